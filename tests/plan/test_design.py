"""Names, seeds and identities: what decides a dataset or a fit, and what does not."""

import copy

import numpy as np
import pytest
from changed_keys import only
from conftest import DROP, SMALL, make_design, make_study
from observed_study import OBSERVED

from recovery.plan import prior_remarks
from recovery.plan.batch_size import Batch
from recovery.plan.design import Design
from recovery.plan.scenarios import Scenario
from recovery.plan.seeds import dataset_seed, fit_seed

SCENARIO = "moderate-4x3"
CELL = (SCENARIO, "pooled", "weak")
MODERATE = SMALL["truths"]["moderate"]
OTHER_PRIOR = {
    "Intercept": "normal(0, 9)",
    "b": "normal(0, 9)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
    "sigma": "exponential(1)",
}
SOURCE = {"data": "real", "model": "centered", "prior": "weak"}
FOUND = [
    ("observed", "real", OBSERVED),
    (
        "truths",
        {"found": {"from_observed": SOURCE}},
    ),
    ("observations", DROP),
]

NOT_THE_DATASETS = {
    "batch size": [("batch", 10)],
    "more replicates": [("replicates", 80)],
    "another truth": [("truths", "strong", MODERATE | {"sigma": 2.0})],
    "a truth placed before": [("truths", {"a": MODERATE | {"sigma": 2.0}, "moderate": MODERATE})],
    "more participants": [("participants", [2, 4, 8])],
    "more observations": [("observations", [9, 3])],
    "title": [("title", "Another title")],
    "name": [("name", "another")],
}
NOT_THE_FITS = NOT_THE_DATASETS | {
    "another prior": [("priors", "wide", OTHER_PRIOR)],
    "models in another order": [("models", ["centered", "pooled", "unpooled"])],
}


def simulation(design, scenario=SCENARIO):
    return design.simulation(scenario, design.data_batches(scenario)[0])


def fit(design, model="pooled", prior="weak", scenario=SCENARIO, batch=0):
    return design.fit(scenario, model, prior, design.batches((scenario, model, prior))[batch])


def fit_identities(design) -> dict:
    return {
        (*cell, batch.name): design.fit(*cell, batch)["identity"]
        for cell in design.cells
        for batch in design.batches(cell)
    }


# Seeds


@pytest.mark.parametrize("change", NOT_THE_DATASETS.values(), ids=NOT_THE_DATASETS.keys())
def test_a_dataset_seed_stays_under_changes_elsewhere(design, change):
    assert dataset_seed(simulation(make_design(*change)), 7) == dataset_seed(simulation(design), 7)


@pytest.mark.parametrize("change", NOT_THE_FITS.values(), ids=NOT_THE_FITS.keys())
def test_a_fit_seed_stays_under_changes_elsewhere(design, change):
    assert fit_seed(fit(make_design(*change)), 7) == fit_seed(fit(design), 7)


def test_a_truths_name_does_not_decide_seeds(design):
    renamed = make_design(("truths", {"other": MODERATE}))
    scenario = "other-4x3"
    assert dataset_seed(simulation(renamed, scenario), 1) == dataset_seed(simulation(design), 1)
    assert fit_seed(fit(renamed, scenario=scenario), 1) == fit_seed(fit(design), 1)


def test_a_priors_name_does_not_decide_a_fits_seed(design):
    renamed = make_design(("priors", {"other": SMALL["priors"]["weak"]}))
    assert fit_seed(fit(renamed, prior="other"), 1) == fit_seed(fit(design), 1)


@pytest.mark.parametrize(
    ("change", "scenario"),
    [
        (("seed", 1), SCENARIO),
        (("truths", "moderate", "sigma", 1.5), SCENARIO),
        (("participants", [5]), "moderate-5x3"),
        (("observations", [4]), "moderate-4x4"),
    ],
)
def test_what_decides_a_dataset_decides_its_seed_and_its_fits_seed(design, change, scenario):
    other = make_design(change)
    assert dataset_seed(simulation(other, scenario), 1) != dataset_seed(simulation(design), 1)
    assert fit_seed(fit(other, scenario=scenario), 1) != fit_seed(fit(design), 1)


def test_model_and_prior_decide_a_fits_seed_but_not_its_datasets(design):
    other = make_design(("priors", "weak", "b", "normal(0, 2)"))
    assert fit_seed(fit(design, "centered"), 1) != fit_seed(fit(design, "pooled"), 1)
    assert fit_seed(fit(other), 1) != fit_seed(fit(design), 1)
    assert dataset_seed(simulation(other), 1) == dataset_seed(simulation(design), 1)


def test_2000_scenarios_and_replicates_have_2000_seeds():
    design = make_design(("participants", [2, 3, 4, 5]), ("observations", [1, 2, 3, 4, 5]))
    pairs = [(name, replicate) for name in design.scenarios for replicate in range(1, 101)]
    data = {dataset_seed(simulation(design, name), replicate) for name, replicate in pairs}
    fits = {fit_seed(fit(design, scenario=name), replicate) for name, replicate in pairs}
    assert len(pairs) == len(data) == len(fits) == 2000


def test_seeds_fit_where_they_go(design):
    for replicate in range(1, 201):
        assert 0 <= dataset_seed(simulation(design), replicate) < 2**63
        assert 0 < fit_seed(fit(design), replicate) < 2**31


# Batches


def test_batches_have_nominal_names_and_end_with_the_study(design):
    first, last = design.batches(CELL)
    assert (first.name, last.name) == ("00001-00025", "00026-00050")
    assert list(last.replicates) == list(range(26, 41))


def test_batches_hold_every_replicate_once():
    design = make_design(("replicates", 41), ("batch", 7))
    held = [replicate for batch in design.batches(CELL) for replicate in batch.replicates]
    assert held == list(range(1, 42))


def test_a_batch_is_found_by_its_name(design):
    assert design.batch("00026-00050") == Batch(26, 50, 40)


def test_more_replicates_change_no_identity_and_no_name(design):
    longer = make_design(("replicates", 100))
    before, after = fit_identities(design), fit_identities(longer)
    assert set(before) < set(after)
    assert not only(after, before)


def test_more_replicates_change_the_replicates_of_the_last_batch_only(design):
    longer = make_design(("replicates", 100))
    for batch, ranges in zip(design.data_batches(SCENARIO), ("1-25", "26-40"), strict=True):
        after = longer.simulation(SCENARIO, longer.batch(batch.name))
        before = design.simulation(SCENARIO, batch)
        assert after["identity"] == before["identity"]
        assert before["replicates"] == ranges
        assert after["replicates"] == {"1-25": "1-25", "26-40": "26-50"}[ranges]


# Priors with the same values


TWINS = ("priors", "twin", make_study().priors["weak"].model_dump())


def test_priors_with_the_same_values_share_their_fits(design):
    both = make_design(TWINS)
    assert both.fitted_cells == design.cells
    assert len(both.cells) == 2 * len(design.cells)
    for scenario, model, _ in design.cells:
        twins = (scenario, model, "weak"), (scenario, model, "twin")
        assert both.cell_files("estimates", twins[0]) == both.cell_files("estimates", twins[1])
        (batch, *_) = both.batches(twins[0])
        assert both.fit(*twins[0], batch) == both.fit(*twins[1], batch)
        assert both.fit(*twins[0], batch) == design.fit(*twins[0], batch)
    assert prior_remarks.same_priors(both) == [
        "priors with the same values are fitted once and shown under each name: weak, twin"
    ]
    assert prior_remarks.same_priors(design) == []


# Identities


@pytest.mark.parametrize(
    "key", ["title", "another truth", "more participants", "more observations"]
)
def test_what_other_cells_hold_leaves_identities(design, key):
    changed = make_design(*NOT_THE_DATASETS[key])
    assert simulation(changed)["identity"] == simulation(design)["identity"]
    assert not only(fit_identities(changed), fit_identities(design))


def test_one_value_of_a_prior_changes_only_its_own_fits():
    wide = ("priors", "wide", OTHER_PRIOR)
    before = make_design(wide)
    after = make_design(wide, ("priors", "wide", "cor", "lkj(3)"))
    changed = only(fit_identities(after), fit_identities(before))
    assert changed == {key for key in fit_identities(before) if key[2] == "wide"}
    assert simulation(after)["identity"] == simulation(before)["identity"]


@pytest.mark.parametrize(
    ("change", "sources"),
    [
        (("engine", "cmdstan"), {}),
        (("sampler", "adapt_delta", 0.9), {}),
        (("convergence", "max_rhat", 1.05), {}),
        (("intervals", [0.9]), {}),
        (("title", "same"), {"engine_version": "2"}),
        (("title", "same"), {"fitting": "other code"}),
    ],
)
def test_what_decides_fits_alone_changes_every_fit_and_no_dataset(design, change, sources):
    other = make_design(change, **sources)
    before = fit_identities(design)
    assert only(fit_identities(other), before) == set(before)
    assert simulation(other)["identity"] == simulation(design)["identity"]


def test_the_code_that_simulates_changes_datasets_and_fits(design):
    other = make_design(simulating="other code")
    before = fit_identities(design)
    assert only(fit_identities(other), before) == set(before)
    assert simulation(other)["identity"] != simulation(design)["identity"]


def test_a_truth_from_observed_data_is_decided_by_the_file_and_the_fit():
    base = simulation(make_design(*FOUND), "found-4")["identity"]
    for other in (
        make_design(*FOUND, observed={"real": "another file"}),
        make_design(*FOUND, ("sampler", "draws", 200)),
        make_design(*FOUND, programs={"pooled": "", "centered": "edited"}),
        make_design(*FOUND, ("observed", "real", "standardize", True)),
    ):
        assert simulation(other, "found-4")["identity"] != base


# Formulas and designs

EASY_AND_HARD = {"levels": ["easy", "hard"]}
WITH_FACTOR = [
    ("formula", "y ~ condition + x + (1 + condition | participant)"),
    ("design", {"condition": EASY_AND_HARD, "x": {"normal": [0, 1]}}),
    ("truths", "moderate", "b", {"Intercept": 0.5, "condition": 0.2, "x": 1}),
    ("truths", "moderate", "sd", {"participant": {"Intercept": 1, "condition": 0.1}}),
]
DECIDES = {
    "coding": ("design", "condition", "coding", "sum"),
    "contrasts": ("design", "condition", "coding", [[0], [2]]),
    "order of levels": ("design", "condition", "levels", ["hard", "easy"]),
    "name of a level": ("design", "condition", "levels", ["easy", "difficult"]),
    "groups of a predictor": ("design", "x", "between", "participant"),
    "distribution": ("design", "x", {"sequence": [0, 1]}),
    "missing rows": ("design", "missing", 0.2),
    "order of variables": ("design", {"x": {"normal": [0, 1]}, "condition": EASY_AND_HARD}),
    "order of coefficients": ("formula", "y ~ x + condition + (1 + condition | participant)"),
    "name of the outcome": ("formula", "rt ~ condition + x + (1 + condition | participant)"),
    "a nested factor": ("sizes", {"class": {"in": "participant", "each": [2]}}),
}
SAME = {
    "order of coefficients in a truth": (
        ("truths", "moderate", "b", {"x": 1, "condition": 0.2, "Intercept": 0.5}),
        ("truths", "moderate", "sd", {"participant": {"condition": 0.1, "Intercept": 1}}),
    ),
    "order of keys in a truth": (
        ("truths", "moderate", {"sigma": 1.0, "cor": {"participant": 0.3}}),
        *WITH_FACTOR[2:],
    ),
    "order of keys in a prior": (
        ("priors", {"weak": dict(reversed(SMALL["priors"]["weak"].items()))}),
    ),
    "spaces in the formula": (("formula", "y~condition+x+(1+condition|participant)"),),
    "spaces in a prior": (("priors", "weak", "b", " normal( 0,1.0 )"),),
    "defaults in the design": (("design", "condition", {**EASY_AND_HARD, "coding": "treatment"}),),
    "integers": (("truths", "moderate", "b", {"Intercept": 0.5, "condition": 0.2, "x": 1.0}),),
}


def with_factor(*places: tuple) -> Design:
    return make_design(*copy.deepcopy((*WITH_FACTOR, *places)))


@pytest.mark.parametrize("change", DECIDES.values(), ids=DECIDES.keys())
def test_what_a_formula_and_a_design_say_decides_datasets_and_fits(change):
    before, after = with_factor(), with_factor(change)
    assert simulation(after)["identity"] != simulation(before)["identity"]
    assert set(fit_identities(after).values()).isdisjoint(fit_identities(before).values())


@pytest.mark.parametrize("changes", SAME.values(), ids=SAME.keys())
def test_how_a_study_is_written_decides_nothing(changes):
    before, after = with_factor(), with_factor(*changes)
    assert simulation(after) == simulation(before)
    assert fit_identities(after) == fit_identities(before)
    assert dataset_seed(simulation(after), 1) == dataset_seed(simulation(before), 1)
    assert fit_seed(fit(after), 1) == fit_seed(fit(before), 1)


def test_coefficients_of_every_order_of_a_truth_simulate_the_same_data():
    drawn = [
        design.family.simulate(design.study.truths["moderate"], 4, 3, np.random.default_rng(1))[0][
            "y"
        ]
        for design in (with_factor(), with_factor(*SAME["order of coefficients in a truth"]))
    ]
    np.testing.assert_array_equal(*drawn)


# Sizes


def with_items(*counts: int) -> Design:
    return make_design(("sizes", {"item": list(counts)}))


def test_scenarios_are_crossed_with_sizes_in_the_order_of_the_study():
    sizes = ("sizes", {"word": [2, 3], "item": [7, 5]})
    design = make_design(sizes, ("participants", [8, 4]), ("observations", [1]))
    assert list(design.scenarios) == [
        f"moderate-{people}x1-word{words}-item{items}"
        for people in (8, 4)
        for words in (2, 3)
        for items in (7, 5)
    ]
    assert design.scenarios["moderate-4x1-word3-item5"] == Scenario(
        "moderate", 4, 1, (("word", 3), ("item", 5))
    )


def test_nested_factors_are_in_no_scenarios_name():
    nested = {"class": {"in": "participant", "each": [2, 3]}, "item": [5]}
    assert list(make_design(("sizes", nested)).scenarios) == [f"{SCENARIO}-item5"]


def test_a_truth_from_observed_data_takes_its_sizes_from_them():
    design = make_design(*FOUND, ("sizes", {"item": [5]}))
    assert list(design.scenarios) == ["found-4"]


def test_other_sizes_leave_the_identities_and_seeds_of_a_scenario():
    one, more = with_items(5), with_items(7, 5)
    name = f"{SCENARIO}-item5"
    assert simulation(more, name) == simulation(one, name)
    assert fit(more, scenario=name) == fit(one, scenario=name)
    other = f"{SCENARIO}-item7"
    assert simulation(more, other)["identity"] != simulation(more, name)["identity"]
    assert fit(more, scenario=other)["identity"] != fit(more, scenario=name)["identity"]
    seeds = {dataset_seed(simulation(more, each), 1) for each in (name, other)}
    assert len(seeds) == 2
    assert len({fit_seed(fit(more, scenario=each), 1) for each in (name, other)}) == 2


def test_a_program_decides_only_its_models_fits():
    before = fit_identities(make_design())
    after = fit_identities(make_design(programs={"pooled": "program pooled", "centered": "edited"}))
    assert {key[1] for key in only(after, before)} == {"centered"}
