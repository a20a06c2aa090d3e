"""Calibration: p-values are uniform under the null hypothesis; verdicts follow from them."""

import numpy as np
import pandas as pd
import pytest
from conftest import make_study
from scipy import stats

from recovery import families
from recovery.score import calibration
from recovery.score.measures import uniformity

family = families.find("multilevel_linear")
DRAWN = ("truths", {"drawn": {"prior": "weak"}})


# Bands and p-values


def test_p_values_of_uniform_values_are_uniform():
    # 500 samples of 300; a Kolmogorov-Smirnov test at 0.1 % (p-values are slightly discrete).
    rng = np.random.default_rng(1)
    result = [uniformity.p_value(rng.random(300)) for _ in range(500)]
    assert stats.kstest(result, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    "spoil",
    [
        lambda u: 0.85 * u,  # truths below their posteriors
        lambda u: stats.beta(0.6, 0.6).ppf(u),  # posteriors too narrow
        lambda u: stats.beta(1.8, 1.8).ppf(u),  # and too wide
    ],
)
def test_values_that_are_not_uniform_have_a_small_p_value(spoil):
    values = np.random.default_rng(1).random(500)
    assert uniformity.p_value(values) > 0.01
    assert uniformity.p_value(spoil(values)) < 1e-4


def test_a_band_contains_the_ecdf_of_uniform_values_at_its_nominal_rate():
    points, lower, upper = uniformity.band(200, 0.95)
    rng = np.random.default_rng(1)
    samples = rng.random((4000, 200))
    ecdf = (samples[:, :, None] <= points).mean(axis=1)
    inside = ((lower <= ecdf) & (ecdf <= upper)).all(axis=1).mean()
    assert inside == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 4000) + 0.01)


def test_the_band_statistic_is_the_smallest_binomial_tail():
    values = np.array([0.005, 0.3, 0.9])
    tails = []
    for point in np.arange(1, 100) / 100:
        count = (values <= point).sum()
        tails += [stats.binom.cdf(count, 3, point), stats.binom.sf(count - 1, 3, point)]
    assert uniformity.band_statistic(values) == pytest.approx(min(1, 2 * min(tails)))


def test_holm_multiplies_the_smallest_p_value_by_n_and_the_next_by_n_minus_1():
    corrected = uniformity.holm(np.array([0.03, 0.001, 0.02, 0.5]))
    assert corrected == pytest.approx([0.06, 0.004, 0.06, 0.5])


# Verdicts


def fits(n=200, **changes) -> pd.DataFrame:
    rows = {
        "replicate": np.arange(1, n + 1),
        "status": "ok",
        "failed_in": None,
        "min_ess_bulk": 400.0,
    }
    return pd.DataFrame(rows | {"seed": np.arange(7, n + 7)} | changes)


def ranks(values, quantity="b_Intercept") -> pd.DataFrame:
    replicate = np.arange(1, len(values) + 1)
    columns = {"replicate": replicate, "parameter": quantity, "rank": values, "max_rank": 99}
    return pd.DataFrame(columns)


def uniform_ranks(n=200, seed=1) -> pd.DataFrame:
    return ranks(np.random.default_rng(seed).integers(0, 100, size=n))


def judged(*tables) -> pd.DataFrame:
    parts = [table.assign(cell=number) for number, table in enumerate(tables)]
    return calibration.with_verdicts(pd.concat(parts, ignore_index=True), ["cell"])


def test_uniform_values_lie_within_the_bin_of_their_rank():
    table = ranks([0, 50, 99])
    values = calibration.uniform_values(table, fits(3))["b_Intercept"]
    assert (np.floor(100 * values) == [0, 50, 99]).all()
    np.testing.assert_array_equal(values, calibration.uniform_values(table, fits(3))["b_Intercept"])


def test_uniform_ranks_are_calibrated_and_other_ranks_are_miscalibrated():
    good = calibration.cell_p_values(uniform_ranks(), fits(), 200)
    bad = calibration.cell_p_values(ranks(np.arange(200) % 60), fits(), 200)
    result = judged(good, bad)
    assert result["verdict"].tolist() == ["calibrated", "miscalibrated"]
    assert "b_Intercept" in result["reason"][1]


def test_fits_with_few_effective_draws_are_left_out_and_counted():
    weak = fits(min_ess_bulk=np.where(np.arange(200) < 3, 98.0, 400.0))
    result = judged(calibration.cell_p_values(uniform_ranks(), weak, 200))
    assert result[["n_ranked", "n_left_out"]].iloc[0].tolist() == [197, 3]
    assert result["verdict"][0] == "inconclusive"


def test_one_failed_fit_of_200_does_not_prevent_a_verdict():
    failed = fits(status=["failed"] + ["ok"] * 199)
    assert (
        judged(calibration.cell_p_values(uniform_ranks(), failed, 200))["verdict"][0]
        == "calibrated"
    )


@pytest.mark.parametrize(("n", "verdict"), [(2, "calibrated"), (3, "inconclusive")])
def test_a_note_gives_the_number_of_datasets_that_could_not_be_simulated(n, verdict):
    without = {"status": ["failed"] * n + ["ok"] * (200 - n)}
    without["failed_in"] = ["simulation"] * n + [None] * (200 - n)
    result = judged(calibration.cell_p_values(uniform_ranks(), fits(**without), 200))
    assert result["verdict"][0] == verdict
    assert result["n_left_out"][0] == n
    assert result["reason"][0].endswith(
        f"{n} of 200 datasets could not be simulated, so truths are draws from the prior only "
        "where data can be simulated"
    )


def test_few_replicates_are_inconclusive_and_never_calibrated():
    result = judged(calibration.cell_p_values(uniform_ranks(99), fits(99), 99))
    assert result["verdict"][0] == "inconclusive"
    assert np.isnan(result["p_value"][0])


def test_a_cell_in_which_all_fits_failed_is_inconclusive():
    result = judged(calibration.cell_p_values(uniform_ranks(), fits(status="failed"), 200))
    assert result["verdict"][0] == "inconclusive"


def test_a_cell_that_is_not_applicable_keeps_its_verdict_and_is_not_counted_as_a_test():
    alone = judged(calibration.cell_p_values(uniform_ranks(), fits(), 200))
    beside = judged(
        calibration.cell_p_values(uniform_ranks(), fits(), 200),
        calibration.not_applicable("why"),
    )
    assert beside["verdict"].tolist() == ["calibrated", "not applicable"]
    assert beside["p_corrected"][0] == alone["p_corrected"][0]


# Cells to which it applies


@pytest.mark.parametrize("model", ["centered", "noncentered", "marginal"])
def test_programs_of_the_generating_joint_model_are_tested(model):
    study = make_study(DRAWN, ("models", list(family.MODELS)))
    assert calibration.reason_not_applicable(study, family, "drawn", model, "weak") is None


@pytest.mark.parametrize("model", ["pooled", "unpooled"])
def test_programs_of_another_joint_model_are_not_tested(model):
    study = make_study(DRAWN, ("models", list(family.MODELS)))
    assert "joint model" in calibration.reason_not_applicable(study, family, "drawn", model, "weak")
    own = make_study(("truths", {"drawn": {"prior": "weak", "model": model}}))
    assert calibration.reason_not_applicable(own, family, "drawn", model, "weak") is None
    assert "joint model" in calibration.reason_not_applicable(
        own, family, "drawn", "centered", "weak"
    )


def test_a_prior_with_other_values_is_not_tested_but_one_with_another_name_is():
    weak = make_study().priors["weak"].model_dump()
    study = make_study(
        DRAWN, ("priors", "same", weak), ("priors", "other", weak | {"sigma": "exponential(2)"})
    )
    assert calibration.reason_not_applicable(study, family, "drawn", "centered", "same") is None
    assert "another prior" in calibration.reason_not_applicable(
        study, family, "drawn", "centered", "other"
    )


def test_a_fixed_truth_is_not_tested():
    assert "not drawn" in calibration.reason_not_applicable(
        make_study(), family, "moderate", "centered", "weak"
    )
