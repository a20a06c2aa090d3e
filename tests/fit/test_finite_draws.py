"""Numbers in tables are finite; otherwise the fit is a failed row that names the parameters."""

from dataclasses import replace

import numpy as np
import own_families
import pytest
from conftest import LINEAR, STAN, make_design
from fitted_rows import rows

from recovery import engines, families
from recovery.common.errors import StudyError
from recovery.engines.protocol import Draws, Program
from recovery.families.estimators import Estimates, EstimatorResult
from recovery.fit import approximation, batches, datasets, estimator, loo
from recovery.plan.batch_size import Batch
from recovery.plan.design import Design
from recovery.run import preflight
from recovery.study.methods import NO_PRIOR

pytestmark = pytest.mark.usefixtures("forked")

SAMPLER = ("sampler", {"chains": 4, "warmup": 200, "draws": 200})
SCENARIO = "moderate-4x3"


def fit_own(raw, number=1) -> dict:
    """The tables of some replicates of a study with an own family, fitted without mocks."""
    raw = raw | {"participants": [10], "sampler": {"chains": 4, "warmup": 200, "draws": 200}}
    design = preflight.prepare(raw, "study.yaml", STAN, thoroughly=False)
    (scenario,) = design.scenarios
    return fit_batch(design, scenario, "hierarchical", "weakly_informative", number)


def fit_batch(design: Design, scenario, model, prior, number=1) -> dict:
    family, batch = families.find(design.study.family), Batch(1, number, number)
    data, truth = datasets.simulate_batch(design.simulation(scenario, batch))
    path = family.program(model.removeprefix("optimize_"), STAN)
    fitter = approximation.fitter_of(
        design.fit(scenario, model, prior, batch), Program(str(path), str(STAN))
    )
    return batches.fit_batch(data, truth, fitter)


def why(batch) -> list[str]:
    """The errors of all fits; asserts that these fits have no rows in other tables."""
    assert set(batch["diagnostics"]["status"]) == {"failed"}
    assert [rows(batch[name]) for name in batch if name != "diagnostics"] == [[]] * (len(batch) - 1)
    return batch["diagnostics"]["error"]


# The program of an own family


def spoiled_at_random(begin, share) -> dict:
    """A family in which a share of the draws of theta[2] is NaN."""
    spoil = f"if (uniform_rng(0, 1) < {share}) theta[2] = not_a_number();"
    quantities = f"generated quantities {{ vector[J] theta = eta; {spoil} }}\n"
    return begin(
        ("family.stan", "theta = mu", "eta = mu"),
        ("family.stan", "normal(theta[part", "normal(eta[part"),
        ("family.stan", "sigma);\n}\n", "sigma);\n}\n" + quantities),
    )


def test_a_few_draws_of_one_participant_that_are_nan_fail_the_fit(begin):
    """Ranked or counted, a NaN would be above every truth."""
    raw = spoiled_at_random(begin, 0.05)
    assert why(fit_own(raw, 2)) == ["RuntimeError: non-finite draws: theta[2]"] * 2


def test_the_trial_checks_draws_of_participants_too(begin):
    with pytest.raises(StudyError, match=r"means\.stan: draws of theta\[2\] are not finite"):
        own_families.tried(spoiled_at_random(begin, 0.5))


def test_columns_that_no_table_uses_may_be_nan(begin):
    unused = "real ratio = not_a_number(); real other = negative_infinity();"
    quantities = f"generated quantities {{ {unused} }}\n"
    raw = begin(("family.stan", "sigma);\n}\n", "sigma);\n}\n" + quantities))
    assert len(own_families.tried(raw)) == 2
    assert fit_own(raw)["diagnostics"]["status"] == ["ok"]


def test_chains_that_stay_at_their_initial_values_have_not_converged(begin):
    """`up` is 1 in some chains and 0 in others, so its rhat is huge or not finite."""
    raw = begin(
        ("family.stan", "  real<lower=0> sigma;\n}", "  real<lower=0> sigma;\n  real a;\n}"),
        ("family.stan", "  z ~ std", "  target += log_mix(0.5, normal_lpdf(a | -30, 1),"
         " normal_lpdf(a | 30, 1));\n  z ~ std"),
        ("family.stan", "sigma);\n}\n", "sigma);\n}\ngenerated quantities { int up = a > 0; }\n"),
        ("family.py", 'PARAMETERS = {"mu"', 'PARAMETERS = {"up": (), "mu"'),
        ("family.py", '{"theta": theta}\n', '{"theta": theta, "up": 1}\n'),
    )  # fmt: skip
    batch = fit_own(raw, 4)
    estimates, fits = rows(batch["estimates"]), rows(batch["diagnostics"])
    up = {row["replicate"]: row for row in estimates if row["parameter"] == "up"}
    apart = [number for number, row in up.items() if 0 < row["mean"] < 1]
    assert apart  # one fit in eight has all chains on one side; with other seeds, all four 2e-4
    for fit in fits:
        if fit["replicate"] in apart:
            assert up[fit["replicate"]]["rhat"] > 1e6
            assert fit["max_rhat"] > 1e6
            assert not fit["converged"]
        else:
            assert np.isnan(up[fit["replicate"]]["rhat"])
            assert fit["max_rhat"] < 1.1


def test_a_test_quantity_that_is_nan_fails_the_fit(begin):
    density = (
        "def log_likelihood(values, observations):\n"
        "    theta = values['theta'][:, observations['participant'] - 1].T\n"
        "    return np.where(theta > 0.2, np.nan, 0 * theta)\n\n\n"
    )
    raw = begin(("family.py", "def stan_data(", density + "def stan_data("))
    raw["truths"] = {"drawn": {"prior": "weakly_informative"}}
    message = "RuntimeError: non-finite test quantities: log likelihood"
    assert why(fit_own(raw)) == [message]


# Every engine


@pytest.fixture
def spoil(monkeypatch):
    """Replace draws of a parameter, named as in the program, by a value.

    The child process inherits the change.
    """

    def arranged(name, value):
        engine = engines.find("stanli")
        sample, approximate = engine.sample, engine.approximate

        def changed(result):
            if name in result.names:
                result.values[..., -1:, result.names.index(name)] = value
            else:
                result.sampler[name][0, 3] = value
            return result

        monkeypatch.setattr(engine, "sample", lambda *each: changed(sample(*each)))
        monkeypatch.setattr(engine, "approximate", lambda *each: changed(approximate(*each)))

    return arranged


def fit(model="centered", *places) -> dict:
    models = ("models", ["centered", "marginal"])
    design = make_design(SAMPLER, models, *places)
    return fit_batch(design, SCENARIO, model, "weak")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("in_program", "name"),
    [
        ("sigma", "sigma"),
        ("cor[1]", "cor_participant__Intercept__x"),
        ("r[3]", "r_participant[2,Intercept]"),
        ("lp__", "lp__"),
        ("energy__", "energy__"),
    ],
)
def test_parameters_that_are_not_finite_are_named(spoil, in_program, name, value):
    spoil(in_program, value)
    assert why(fit()) == [f"RuntimeError: non-finite draws: {name}"]


def test_integrated_coefficients_that_are_not_finite_are_named_too(spoil):
    spoil("r[8]", np.nan)
    assert why(fit("marginal")) == ["RuntimeError: non-finite draws: r_participant[4,x]"]


def test_the_draws_of_a_failed_fit_are_not_kept(spoil):
    spoil("r[8]", np.nan)
    assert len(why(fit("centered", ("keep_draws", True)))) == 1


def test_many_parameters_that_are_not_finite_are_counted(monkeypatch):
    engine = engines.find("stanli")
    sample = engine.sample

    def spoiled(*arguments):
        result = sample(*arguments)
        return replace(result, values=np.full_like(result.values, np.nan))

    monkeypatch.setattr(engine, "sample", spoiled)
    (error,) = why(fit())
    assert error.startswith(
        "RuntimeError: non-finite draws: b_Intercept, b_x, sd_participant__Intercept,"
    )
    assert error.endswith(" and 9 others")  # 6 scored, 8 coefficients: 14


@pytest.mark.parametrize(
    ("in_program", "name"), [("b[2]", "b_x"), ("r[1]", "r_participant[1,Intercept]")]
)
def test_draws_too_large_to_have_moments_are_named(spoil, in_program, name):
    spoil(in_program, 1e200)
    assert why(fit()) == [f"RuntimeError: non-finite sd: {name}"]


@pytest.mark.parametrize(
    ("in_program", "name"), [("sigma", "sigma"), ("r[3]", "r_participant[2,Intercept]")]
)
def test_a_mode_that_is_not_finite_is_named_too(spoil, in_program, name):
    spoil(in_program, np.nan)
    mode = ("models", ["noncentered"]), ("estimators", ["optimize_noncentered"])
    batch = fit("optimize_noncentered", *mode)
    assert why(batch) == [f"RuntimeError: non-finite draws: {name}"]


def test_coefficients_drawn_at_random_for_a_mode_are_not_checked(spoil):
    spoil("r[3]", np.nan)
    batch = fit("optimize_marginal", ("estimators", ["optimize_marginal"]))
    assert batch["diagnostics"]["status"] == ["ok"]


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_a_log_likelihood_that_is_not_finite_fails_the_fit(value, monkeypatch, truth, prior, rng):
    columns, values = LINEAR.simulate(truth, 4, 3, rng)
    names = list(values)
    many = np.array(list(values.values())) + rng.normal(0, 0.01, (2, 50, len(names)))
    draws = Draws(names, many, {"lp__": rng.normal(size=(2, 50))}, 0, 0)
    density = LINEAR.log_likelihood

    def spoiled(values, some):
        result = density(values, some)
        result[some["y"] == columns["y"][7], 3] = value
        return result

    monkeypatch.setattr(LINEAR, "log_likelihood", spoiled)
    monkeypatch.setattr(loo, "MOST_VALUES", 500)  # five observations at a time
    with pytest.raises(RuntimeError) as error:
        loo.row_of_fit(LINEAR, "centered", prior, draws, columns, "observation")
    assert str(error.value) == "non-finite log likelihood: observation 8"


# Estimators


@pytest.fixture
def estimated(monkeypatch):
    """Let an estimator return these results; return its tables."""

    def fit_estimator(value=0.5, error=0.1, bound=0.2):
        def part(names):
            size = len(names)
            return Estimates(names, *(np.full(size, each, dtype=float) for each in (value, error)),
                             lambda p: np.full(size, bound + p))  # fmt: skip

        own = [f"r_participant[{j},Intercept]" for j in range(1, 5)]
        parts = [part(["b_Intercept"]), part(own)]
        known = families.find("multilevel_linear").ESTIMATORS
        reml = replace(known["reml"], fit=lambda columns: EstimatorResult(parts))
        monkeypatch.setitem(known, "reml", reml)
        design = make_design(("estimators", ["reml"]))
        batch = Batch(1, 1, 1)
        data, truth = datasets.simulate_batch(design.simulation(SCENARIO, batch))
        fitter = estimator.EstimatorFitter(design.fit(SCENARIO, "reml", NO_PRIOR, batch))
        return batches.fit_batch(data, truth, fitter)

    return fit_estimator


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"value": np.nan}, "non-finite estimates: b_Intercept"),
        ({"value": np.inf}, "non-finite estimates: b_Intercept"),
        ({"error": np.inf}, "non-finite standard errors: b_Intercept"),
        ({"bound": np.inf}, "non-finite bounds of intervals: b_Intercept"),
        ({"bound": np.nan}, "non-finite bounds of intervals: b_Intercept"),
    ],
)
def test_estimates_errors_and_bounds_are_finite(estimated, result, message):
    assert why(estimated(**result)) == [f"RuntimeError: {message}"]


def test_estimates_without_a_finite_standard_error_have_neither_bounds_nor_coverage(estimated):
    batch = estimated(error=np.nan, bound=np.nan)
    assert batch["diagnostics"]["status"] == ["ok"]
    assert np.isnan(rows(batch["estimates"])[0]["sd"])
    (scores,) = rows(batch["groups"])
    assert np.isnan(scores["coverage"])  # not 0: there is no interval to hold the truth
    assert np.isfinite(scores["rmse"])
