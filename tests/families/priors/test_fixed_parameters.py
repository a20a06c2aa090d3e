"""Parameters that a prior fixes, or keeps on one side of 0, are not scored as if estimated."""

import numpy as np
import pandas as pd
import pytest
from conftest import SMALL, STAN, changed, make_design, make_study
from fitted_rows import rows as fitted_rows

from recovery.common.errors import StudyError
from recovery.engines.protocol import Draws, Program
from recovery.fit import batches, datasets, posterior
from recovery.fit.sampler import SamplerFitter
from recovery.plan import prior_remarks
from recovery.plan.batch_size import Batch
from recovery.run import preflight
from recovery.score.measures import performance_measures
from recovery.score.measures.replicates import Replicates

WEAK = ("priors", "weak")
SCENARIO = "moderate-4x3"


def prior(**keys):
    return make_study(*[(*WEAK, key, text) for key, text in keys.items()]).priors["weak"]


def test_constants_fix_their_parameters():
    assert prior(b="constant(0)").fixed == {"b_x"}
    assert prior(sigma="constant(1)", sd="constant(0.5)").fixed == {
        *("sigma", "sd_participant__Intercept", "sd_participant__x")
    }


def test_an_intercept_at_the_means_is_fixed_only_together_with_all_slopes():
    assert prior(Intercept="constant(1)").fixed == set()
    assert prior(Intercept="constant(1)", b="constant(2)").fixed == {"b_Intercept", "b_x"}


@pytest.mark.parametrize(
    ("text", "one_sided"),
    [
        ("exponential(1)", True),
        ("uniform(0.1, 2)", True),
        ("uniform(-2, 0)", True),
        ("constant(0.3)", True),
        ("uniform(-1, 2)", False),
        ("normal(0, 1)", False),
        ("flat", False),
    ],
)
def test_priors_on_one_side_of_0(text, one_sided):
    assert prior(b=text).excludes_zero("b_x") is one_sided
    assert not prior(Intercept="exponential(1)").excludes_zero("b_Intercept")


def test_draws_of_a_constant_are_summarised_exactly():
    """A mean of many equal numbers rounds, and so does their SD."""
    values = np.full((4, 250, 1), 0.3)
    found = posterior.summarise(Draws(["b"], values, {}, 0, 0), ["b"], [0.9])
    assert found["mean"] == 0.3
    assert found["sd"] == 0


def test_a_draw_that_differs_from_the_truth_by_rounding_is_a_tie():
    rng, truth = np.random.default_rng(1), 0.1 + 0.2
    ranks = {posterior.rank(np.full(9, 0.3), truth, rng) for _ in range(400)}
    assert ranks == set(range(10))
    assert posterior.rank(np.array([0.2, 0.4]), 0.3, rng) == 1


def test_an_interval_of_one_number_contains_that_number_up_to_rounding():
    one = np.full(3, 0.3)
    x = Replicates(np.arange(3), np.full(3, 0.1 + 0.2), one, 0 * one, 0 * one, {0.9: (one, one)})
    assert performance_measures.coverage(x, 0.9).value == 1
    other = Replicates(np.arange(3), one + 1e-9, one, 0 * one, 0 * one, {0.9: (one, one)})
    assert performance_measures.coverage(other, 0.9).value == 0


def test_a_parameter_on_one_side_of_0_has_no_rejection_rate():
    one = np.full(3, 0.3)
    bounds = {0.9: (one - 0.1, one + 0.1)}
    given = (np.arange(3), one, one, one, one, bounds)
    assert performance_measures.rejection_rate(Replicates(*given), 0.9).value == 1
    one_sided = Replicates(*given, one_sided=True)
    assert np.isnan(performance_measures.rejection_rate(one_sided, 0.9).value)


def test_constants_have_rows_of_estimates_but_no_ranks():
    design = make_design(
        ("truths", {"drawn": {"prior": "weak"}}),
        (*WEAK, "b", "constant(0.3)"),
        ("models", ["pooled"]),
    )
    (scenario,) = design.scenarios
    specification = design.fit(scenario, "pooled", "weak", Batch(1, 2, 2))
    data, truth = datasets.simulate_batch(design.simulation(scenario, Batch(1, 2, 2)))
    program = Program(str(STAN / "multilevel_linear/pooled.stan"), str(STAN))
    tables = batches.fit_batch(data, truth, SamplerFitter(specification, program))
    assert tables["diagnostics"]["status"] == ["ok", "ok"], tables["diagnostics"]["error"]
    rows = pd.DataFrame(fitted_rows(tables["estimates"]))
    b = rows[rows["parameter"] == "b_x"]
    assert set(b["mean"]) == {0.3}
    assert set(b["sd"]) == {0}
    assert b["rank"].isna().all()
    assert rows[rows["parameter"] == "sigma"]["rank"].notna().all()


@pytest.mark.parametrize(
    "changes",
    [
        [(*WEAK, "b_x", "normal(0, 1)")],
        [(*WEAK, "b_x", "normal(0, 1)"), (*WEAK, "b", "cauchy(0, 1)")],
        [(*WEAK, "b", "normal(-0, 1.0)")],
        [(*WEAK, "sd_participant", "exponential(1)")],
    ],
)
def test_the_same_prior_in_other_keys_is_the_same(changes):
    drawn = ("truths", {"drawn": {"prior": "weak"}})
    one, other = make_design(drawn), make_design(drawn, *changes)
    (scenario,) = one.scenarios
    cell = (scenario, "pooled", "weak", Batch(1, 5, 5))
    assert one.fit(*cell)["identity"] == other.fit(*cell)["identity"]
    assert (
        one.simulation(scenario, cell[-1])["identity"]
        == (other.simulation(scenario, cell[-1])["identity"])
    )


def test_another_prior_is_another():
    one, other = make_design(), make_design((*WEAK, "b_x", "normal(0, 1.5)"))
    cell = (SCENARIO, "pooled", "weak", Batch(1, 5, 5))
    assert one.fit(*cell)["identity"] != other.fit(*cell)["identity"]


def test_initial_values_have_the_length_of_every_program_and_prior():
    inits = ("sampler", "inits", {"free": [0, 0, 1]})
    fixed = ("priors", "fixed", {**make_design().study.priors["weak"].model_dump()})
    study = make_study(
        ("models", ["pooled"]), inits, fixed, ("priors", "fixed", "b", "constant(0)")
    )
    with pytest.raises(StudyError, match="pooled needs 2 under fixed"):
        preflight.try_programs(study, STAN, "stanli")


def test_a_likelihood_is_looked_for_under_every_prior():
    other = {**make_study().priors["weak"].model_dump(), "b": "cauchy(0, 1)"}
    study = [("models", ["pooled", "unpooled"]), ("priors", "heavy", other)]
    study.append(("selection", {"leave_out": ["participant"]}))
    with pytest.raises(StudyError, match=r"for the model 'unpooled' under 'heavy'"):
        preflight.prepare(_raw(*study), "study.yaml", STAN, thoroughly=False)


def _raw(*changes):
    return changed(SMALL, *changes)


def test_a_grouping_factor_whose_name_could_be_a_coefficients_is_refused():
    formula = "y ~ x + (x | participant) + (1 | participant__x)"
    with pytest.raises(StudyError, match="must have no two underscores in a row"):
        make_study(("formula", formula), ("sizes", {"participant__x": [3]}))


def test_a_truth_that_a_prior_excludes_is_said():
    narrow = {**make_study().priors["weak"].model_dump(), "b": "uniform(5, 10)"}
    design = make_design(
        ("priors", "narrow", narrow), ("priors", "zero", narrow | {"b": "constant(0)"})
    )
    assert prior_remarks.truths_outside_priors(design) == [
        "the prior narrow excludes the true b_x of moderate, so no interval can contain it"
    ]
    assert prior_remarks.remarks(make_design()) == []
