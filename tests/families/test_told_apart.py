"""What a formula cannot tell apart is refused, and what it can is simulated and read right."""

import numpy as np
import pytest
from conftest import make_study

from recovery import families
from recovery.common.errors import StudyError
from recovery.families import observed_data

CONDITION = {"levels": ["a", "b"]}
GROUP = {"levels": ["a", "b"], "between": "participant"}
NUMBER = {"normal": [0, 1]}


def find(formula, design=None, name="multilevel_linear", **options):
    choice = {"name": name, "formula": formula, "design": design or {"x": NUMBER}, **options}
    return families.find(choice)


@pytest.mark.parametrize(
    ("formula", "design", "message"),
    [
        ("y ~ group + (group | participant)", {"group": GROUP}, "group is the same in all rows"),
        (
            "y ~ x + (x || participant)",
            {"x": {"normal": [0, 1], "between": "participant"}},
            "cannot vary by participant",
        ),
        (
            "y ~ x + c + (1 + x | participant) + (0 + c | participant)",
            {"x": NUMBER, "c": CONDITION},
            "two terms with correlations",
        ),
        ("y ~ x + (1 | participant) + (1 + x | participant)", {"x": NUMBER}, "must be once"),
        ("y ~ 0 + Intercept", {"Intercept": NUMBER}, "must be another name"),
        ("y ~ Intercept", {"Intercept": NUMBER}, "got Intercept besides an intercept"),
        ("y ~ model_config", {"model_config": NUMBER}, "must be another name"),
        ("y ~ copy", {"copy": NUMBER}, "must be another name"),
    ],
)
def test_it_is_refused(formula, design, message):
    with pytest.raises(ValueError, match=message):
        find(formula, design)


def test_what_is_the_same_in_one_of_two_factors_is_so_in_their_combinations():
    design = {"x": {"normal": [0, 1], "between": "item"}}
    with pytest.raises(ValueError, match="cannot vary by participant:item"):
        find("y ~ x + (x | participant:item)", design, sizes={"item": None})


def test_a_slope_of_an_interaction_with_a_varying_predictor_is_taken():
    family = find("y ~ group * x + (group:x | participant)", {"group": GROUP, "x": NUMBER})
    assert "sd_participant__Intercept" in family.PARAMETERS


def test_names_that_could_be_those_of_two_coefficients_are_refused():
    """A grouping factor a__b could have the SD sd_a__b__c of a's b__c, and its prior's key."""
    design, sizes = {"b__c": NUMBER, "c": NUMBER}, {"a": None, "a__b": None}
    with pytest.raises(ValueError, match="'a__b', must have no two underscores in a row"):
        find("y ~ 1 + (0 + b__c | a) + (0 + c | a__b)", design, sizes=sizes)
    design = {"b": NUMBER, "c__d": NUMBER, "b__c": NUMBER, "d": NUMBER}
    with pytest.raises(ValueError, match="cor_a__b__c__d"):
        find("y ~ 1 + (0 + b + c__d + b__c + d | a)", design, sizes={"a": None})


def test_two_factors_with_the_same_groups_are_refused():
    sizes = {"session": {"in": "participant", "each": [1]}}
    family = find("y ~ x + (1 | participant) + (1 | session)", sizes=sizes)
    with pytest.raises(ValueError, match="whose groups are the same"):
        family.check_coefficients(6, {}, 3)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("multilevel_ordinal", "y ~ 1 + (1 | participant)"),
        ("multilevel_linear", "y ~ 0 + (1 | participant)"),
    ],
)
def test_a_formula_without_population_coefficients_has_log_likelihoods(name, formula, rng):
    family = find(formula, name=name)
    others = {"thresholds": [-1, 0, 1, 2]} if name == "multilevel_ordinal" else {"sigma": 1}
    truth = family.Truth(sd={"participant": {"Intercept": 1}}, **others)
    columns, values = family.simulate(truth, 5, 4, rng)
    draws = {name: np.full(7, value) for name, value in values.items()}
    found = family.log_likelihood(draws, columns)
    assert found.shape == (20, 7)
    one = family.log_likelihood({name: np.array([v]) for name, v in values.items()}, columns)
    assert np.allclose(found, one)


def test_a_pooled_model_without_population_coefficients_has_marginal_likelihoods(rng):
    family = find("y ~ 0 + (1 | participant)")
    truth = family.Truth(sd={"participant": {"Intercept": 1}}, sigma=1)
    columns, _ = family.simulate(truth, 5, 4, rng)
    found = family.marginal_log_likelihood("pooled", None, {"sigma": np.ones(3)}, columns)
    assert found.shape == (5, 3)


def table(**columns):
    return {name: np.array(cells, dtype=object) for name, cells in columns.items()}


def test_nested_groups_of_a_file_may_have_the_same_names():
    family = find(
        "y ~ 1 + (1 | participant) + (1 | cask)", sizes={"cask": {"in": "participant", "each": [2]}}
    )
    rows = table(
        batch=["A", "A", "A", "B", "B", "B"],
        cask=["a", "b", "a", "a", "b", "b"],
        y=["1", "2", "3", "4", "5", "6"],
    )
    data = family.read_observed(rows, family.ObservedColumns(participant="batch"), False)
    assert data["cask"].tolist() == [1, 2, 1, 3, 4, 4]


def test_participants_that_are_repeated_have_their_own_nested_groups():
    observed = {
        "participant": np.array([1, 1, 2, 2]),
        "session": np.array([1, 2, 3, 4]),
        "item": np.array([1, 2, 1, 2]),
    }
    names = ["session", "item"]
    found = observed_data.repeat_participants(names, 5, observed, names)
    assert found["session"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert found["item"].tolist() == [1, 2] * 5
    assert observed_data.repeated_rows(5, observed) == 10


def test_too_few_of_observed_participants_cannot_tell_coefficients_apart():
    family = find("y ~ group + (1 | participant)", {"group": GROUP})
    rows = table(
        participant=["1", "1", "2", "2", "3", "3"],
        group=["a", "a", "a", "a", "b", "b"],
        y=["1", "2", "3", "4", "5", "6"],
    )
    data = family.read_observed(rows, family.ObservedColumns(), False)
    family.check_coefficients(3, {}, data)
    with pytest.raises(ValueError, match="group cannot be told from"):
        family.check_coefficients(2, {}, data)


def test_offsets_are_not_standardized():
    family = find(
        "y ~ x + offset(log(e)) + (1 | participant)",
        {"x": NUMBER, "e": {"uniform": [1, 2]}},
        "multilevel_poisson",
    )
    rows = table(
        participant=["1", "1", "2", "2"],
        x=["1", "2", "3", "5"],
        e=["1", "2", "3", "4"],
        y=["1", "2", "3", "4"],
    )
    data = family.read_observed(rows, family.ObservedColumns(), True)
    assert data["e"].tolist() == [1, 2, 3, 4]
    assert data["x"].mean() == pytest.approx(0)


def test_means_are_refused_with_a_function_that_is_not_0_at_0():
    design = {"c": {"levels": ["u", "v"]}, "x": NUMBER}
    family = find("y ~ c * x + exp(x) + (1 | participant)", design)
    others = {"sd": {"participant": {"Intercept": 1}}, "sigma": 1}
    with pytest.raises(ValueError, match=r"exp\(x\), which is not 0"):
        family.Truth(means={"u": 1, "v": 2}, b={"x": 1, "c:x": 0, "exp(x)": 5}, **others)


@pytest.mark.parametrize("name", ["y", "se", "study"])
def test_a_moderator_cannot_have_the_name_of_a_column_of_studies(name):
    with pytest.raises(ValueError, match="must be another name"):
        find(f"effect ~ {name}", {name: NUMBER}, "meta_analysis")


def test_moderators_by_polynomials_are_those_of_all_studies(rng):
    family = find("effect ~ poly(z, 2)", {"z": NUMBER}, "meta_analysis")
    truth = family.Truth(mu=0, tau=0.5, se=(0.1, 0.2), b={"poly(z, 2)[1]": 3, "poly(z, 2)[2]": -2})
    columns, values = family.simulate(truth, 30, 1, rng)
    draws = {name: np.array([value]) for name, value in values.items() if "theta" not in name}
    whole = family.marginal_log_likelihood("marginal", None, draws, columns)
    part = {name: each[10:20] for name, each in family.for_parts(columns).items()}
    assert np.array_equal(
        family.marginal_log_likelihood("marginal", None, draws, part), whole[10:20]
    )


OBSERVED_TRUTH = [
    ("observed", {"mine": {"path": "a.csv"}}),
    ("truths", {"one": {"from_observed": {"data": "mine", "model": "centered", "prior": "weak"}}}),
    ("observations", []),
]


def test_several_numbers_of_observed_groups_are_refused():
    with pytest.raises(StudyError, match=r"sizes\.item: got \[6, 9\], must have one number"):
        make_study(*OBSERVED_TRUTH, ("sizes", {"item": [6, 9]}))


def test_a_polynomial_with_a_truth_from_observed_data_is_refused():
    with pytest.raises(StudyError, match=r"must not be given with poly\(x, 2\) in the formula"):
        make_study(
            *OBSERVED_TRUTH,
            ("formula", "y ~ poly(x, 2) + (1 | participant)"),
            ("priors", {"weak": {"Intercept": "normal(0, 1)", "b": "normal(0, 1)"}}),
            ("priors", "weak", "sd", "exponential(1)"),
            ("priors", "weak", "sigma", "exponential(1)"),
        )


def test_a_prior_that_yaml_has_split_at_its_comma_is_explained():
    split = {"Intercept": "normal(6", "1)": None, "b": "normal(0, 1)"}
    with pytest.raises(StudyError, match=r"got '1\)' as a key, .* YAML splits at commas"):
        make_study(("priors", {"weak": split}))
