"""The table of effects of the design on performance."""

import pickle

import numpy as np
import pandas as pd
import pytest
from conftest import DROP, make_design, make_study
from observed_study import OBSERVED
from replicates_of_errors import LEVEL, fits, replicates
from scipy import stats

from recovery.plan.design_factors import has_several_cells, is_crossed
from recovery.score import design_effects
from recovery.tables.summary_schemas import DESIGN_EFFECTS

WEAK = make_study().priors["weak"].model_dump()
PRIORS = ("priors", "tight", WEAK | {"sigma": "exponential(9)"})
AT_LEVEL = ("intervals", [LEVEL])
COUNTS = ("participants", [4, 8])


def errors_of(design, rng, n=12):
    """Scenario -> cell -> errors of fits; cells of a scenario share datasets."""
    return {
        name: {
            cell: shared + rng.normal(size=n) + place
            for place, cell in enumerate(design.fits)
            if cell[0] not in design.study.estimators_without_prior
        }
        for name, shared in ((name, rng.normal(size=n)) for name in design.scenarios)
    }


def effects(design, errors, **more):
    """The table of effects; every scenario has these fits of the parameter b and `more`."""
    means = {
        name: design_effects.scenario_means(
            {
                cell: fits(b=replicates(error), **more.get(cell[0], {}))
                for cell, error in cells.items()
            },
            LEVEL,
        )
        for name, cells in errors.items()
    }
    return design_effects.table(design, means)


def row(table, measure, term, parameter="b"):
    keys = {"measure": measure, "term": term, "parameter": parameter}
    (found,) = table[(table[list(keys)] == pd.Series(keys)).all(axis=1)].to_dict("records")
    return found


def test_effects_on_bias_are_those_of_the_cell_means(rng):
    design = make_design(COUNTS, PRIORS, AT_LEVEL)
    errors = errors_of(design, rng)
    table = effects(design, errors)
    assert list(table) == DESIGN_EFFECTS.names
    assert set(table["measure"]) == set(design_effects.MEASURES)
    terms = ["participants", "model", "prior", "participants x model", "participants x prior"]
    assert table["term"].unique().tolist() == [*terms, "model x prior"]
    by_scenario = [np.array(list(cells.values())) for cells in errors.values()]
    each = row(table, "bias", "participants")
    first, second = (scenario.mean(axis=0) for scenario in by_scenario)
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert each["p_value"] == pytest.approx(expected.pvalue)
    assert each["largest_difference"] == pytest.approx(abs(first.mean() - second.mean()))
    order = ["4", "8"] if second.mean() > first.mean() else ["8", "4"]
    assert [each["from_level"], each["to_level"]] == order
    mcse = np.sqrt(stats.sem(first) ** 2 + stats.sem(second) ** 2)
    assert each["mcse"] == pytest.approx(mcse)
    # Cells are pooled and centered under weak, then under tight: the errors have this order.
    models = [cell[0] for cell in next(iter(errors.values()))]
    of_model = np.array([np.array(models) == name for name in design.study.models])
    marginal = [np.mean([scenario[rows].mean() for scenario in by_scenario]) for rows in of_model]
    each = row(table, "bias", "model")
    assert each["largest_difference"] == pytest.approx(np.ptp(marginal))
    assert each["to_level"] == design.study.models[int(np.argmax(marginal))]
    assert each["n_datasets"] == 24
    assert each["n_left_out"] == 2 * (design.study.replicates - 12)


@pytest.mark.parametrize(
    ("measure", "of_errors"),
    [
        ("bias", lambda e: e),
        ("mse", lambda e: e**2),
        ("coverage", lambda e: (np.abs(e) <= stats.norm.ppf(0.95)).astype(float)),
        ("interval_width", lambda e: np.full_like(e, 2 * stats.norm.ppf(0.95))),
    ],
)
def test_each_measure_is_a_mean_of_datasets(rng, measure, of_errors):
    error = rng.normal(size=30)
    cells = {("m", "p"): fits(b=replicates(error)), ("m", "q"): fits(b=replicates(2 * error))}
    found = design_effects.scenario_means(cells, LEVEL)["b", measure]
    values = np.array([of_errors(error), of_errors(2 * error)])
    np.testing.assert_allclose(found.mean, values.mean(axis=1))
    np.testing.assert_allclose(found.covariance, np.cov(values) / 30, atol=1e-15)
    assert (found.models, found.priors, found.n) == (("m",), ("p", "q"), 30)


def test_only_datasets_of_all_cells_count(rng):
    error = rng.normal(size=(2, 10))
    cells = {
        ("m", "p"): fits(b=replicates(error[0]).subset(np.arange(1, 9))),
        ("n", "p"): fits(b=replicates(error[1]).subset(np.arange(3, 11))),
    }
    found = design_effects.scenario_means(cells, LEVEL)["b", "bias"]
    assert found.n == 6
    np.testing.assert_allclose(found.mean, error[:, 2:8].mean(axis=1))


def test_a_fit_without_an_interval_counts_for_bias_only(rng):
    sd = np.where(np.arange(10) < 3, np.nan, 1.0)
    cells = {("m", "p"): fits(b=replicates(rng.normal(size=10), sd=sd))}
    means = design_effects.scenario_means(cells, LEVEL)
    assert [means["b", name].n for name in design_effects.MEASURES] == [10, 10, 7, 7]


def test_a_parameter_of_one_model_has_no_effect_of_models(rng):
    design = make_design(COUNTS, AT_LEVEL)
    more = {"centered": {"sigma": replicates(rng.normal(size=12))}}
    table = effects(design, errors_of(design, rng), **more)
    of_sigma = table[table["parameter"] == "sigma"]
    assert set(of_sigma["term"]) == {"participants"}


def test_estimators_are_left_out_and_modes_have_no_intervals(rng):
    design = make_design(AT_LEVEL, ("models", ["pooled"]), ("estimators", ["optimize_pooled"]))
    table = effects(design, errors_of(design, rng))
    assert set(table["measure"]) == {"bias", "mse"}
    ends = set(table[["from_level", "to_level"]].stack())
    assert ends == {"pooled", "optimize_pooled"}
    cells = {("reml", "no_prior"): fits(b=replicates(rng.normal(size=5)))}
    assert design_effects.scenario_means(cells, LEVEL) == {}


def test_priors_and_truths_with_the_same_content_are_one_level(rng):
    truth = make_study().truths["moderate"].model_dump(exclude_defaults=True)
    design = make_design(
        COUNTS, AT_LEVEL, ("priors", "again", WEAK), ("truths", "again", truth | {"sigma": 1.0})
    )
    table = effects(design, errors_of(design, rng))
    assert set(table["term"]) == {"participants", "model", "participants x model"}
    other = make_design(COUNTS, AT_LEVEL, ("truths", "again", truth | {"sigma": 2.0}))
    table = effects(other, errors_of(other, rng))
    assert "truth" in set(table["term"])
    assert row(table, "bias", "truth")["from_level"] in ("moderate", "again")


def test_numbers_of_observations_and_items_are_factors(rng):
    design = make_design(
        AT_LEVEL,
        ("formula", "y ~ x + (x | participant) + (1 | item)"),
        ("sizes", {"item": [6, 12]}),
        ("truths", "moderate", "sd", "item", {"Intercept": 0.5}),
        ("observations", [3, 5]),
        ("models", ["pooled"]),
    )
    errors = errors_of(design, rng)
    for name, cells in errors.items():
        far = 10.0 if name.endswith("item12") else 0.0
        errors[name] = {cell: error + far for cell, error in cells.items()}
    table = effects(design, errors)
    assert table["term"].unique().tolist() == ["observations", "n_item", "observations x n_item"]
    each = row(table, "bias", "n_item")
    assert (each["from_level"], each["to_level"]) == ("6", "12")
    assert each["largest_difference"] == pytest.approx(10, abs=1.5)
    assert each["share"] > 0.9


def test_scenarios_that_are_not_crossed_have_no_effects(rng):
    recovered = {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}}
    places = ("observed", "real", OBSERVED), ("truths", "recovered", recovered), COUNTS
    design = make_design(*places, AT_LEVEL, ("observations", [3, 5]))
    assert not is_crossed(design.study)
    assert effects(design, errors_of(design, rng)).empty
    only = ("truths", {"recovered": recovered}), ("observations", DROP)
    alone = make_study(*places[:1], *only, COUNTS)
    assert is_crossed(alone)
    assert is_crossed(make_study(COUNTS, ("observations", [3, 5])))


def test_one_cell_has_no_effects(rng):
    design = make_design(AT_LEVEL, ("models", ["pooled"]), ("estimators", ["reml"]))
    assert not has_several_cells(design.study)
    assert has_several_cells(make_study())
    assert effects(design, errors_of(design, rng)).empty


@pytest.mark.parametrize("n", [0, 1])
def test_with_fewer_than_two_datasets_in_a_scenario_effects_are_unknown(rng, n):
    design = make_design(COUNTS, AT_LEVEL)
    errors = errors_of(design, rng)
    last = list(errors)[-1]
    errors[last] = {cell: error[:n] for cell, error in errors[last].items()}
    table = effects(design, errors)
    assert len(table) == 4 * 3
    assert set(table["n_datasets"]) == {12 + n}
    assert table[["share", "statistic", "p_value", "p_corrected", "mcse"]].isna().all(axis=None)


def test_effects_on_values_that_overflow_are_unknown(rng):
    design = make_design(AT_LEVEL)
    errors = {
        name: {c: e * 1e200 for c, e in cells.items()}
        for name, cells in errors_of(design, rng).items()
    }
    table = effects(design, errors)
    assert np.isnan(row(table, "mse", "model")["p_value"])


def test_p_values_are_corrected_for_all_effects_of_the_study(rng):
    design = make_design(COUNTS, PRIORS, AT_LEVEL)
    table = effects(design, errors_of(design, rng)).sort_values("p_value")
    tested = table["p_value"].dropna().to_numpy()
    holm = np.minimum(np.maximum.accumulate(tested * np.arange(len(tested), 0, -1)), 1)
    np.testing.assert_allclose(table["p_corrected"].dropna(), holm)


def test_what_is_kept_of_a_scenario_does_not_grow_with_replicates(rng):
    def size(n):
        cells = {("m", p): fits(b=replicates(rng.normal(size=n))) for p in "pqr"}
        kept = design_effects.scenario_means(cells, LEVEL).values()
        return len(pickle.dumps([tuple(each) for each in kept]))

    assert size(5000) == size(500)
