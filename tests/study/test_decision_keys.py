"""The keys `decisions` and `planning`: what they may be, and the levels that they need."""

import pytest
from conftest import make_design, make_study
from refusals import refusal

X = ("decisions", "effect")
ZERO = {"of": "x", "interval": 0.95, "excludes": 0}
ROPE = {"of": "b_x", "rope": [-0.1, 0.1], "interval": 0.9, "inside": True}
LIKELY = {"of": "x", "above": 0, "probability": 0.975}
EVIDENCE = {"of": "x", "null": 0, "bf": 10}
COUNTS = ("participants", [4, 8])


@pytest.mark.parametrize("decision", [ZERO, ROPE, LIKELY, EVIDENCE])
def test_a_decision_may_leave_out_the_b_of_a_coefficient(decision):
    study = make_study((*X, decision))
    assert study.decisions["effect"].of == "b_x"
    again = make_study((*X, study.decisions["effect"].model_dump(mode="json")))
    assert again.decisions == study.decisions


def test_a_decision_may_be_about_an_estimand():
    study = make_study(("estimands", "twice", "2 * x"), (*X, ZERO | {"of": "twice"}))
    assert study.decisions["effect"].of == "twice"


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (ZERO | {"of": "b_y"}, ".of: got 'b_y', must be one of 'b_Intercept', 'b_x'"),
        (ZERO | {"of": "sigm"}, "; did you mean sigma?"),
        (ZERO | {"interval": 1}, ".interval: got 1, must be below 1"),
        (ZERO | {"interval": 0.0}, ".interval: got 0.0, must be above 0"),
        (ZERO | {"excludes": "0"}, ".excludes: got '0', must be a number"),
        (ZERO | {"intervall": 0.9}, ".intervall: unknown key, must be one of"),
        (ZERO | {"intervall": 0.9}, "; did you mean interval?"),
        (ZERO | {"probability": 0.9}, "must have `of` and those of one kind: `interval` and"),
        (ZERO | {"rope": [0, 1]}, ": got the keys 'of', 'interval', 'excludes', 'rope', must have"),
        ({"of": "x", "interval": 0.9}, "must have `of` and those of one kind"),
        ({"of": "x", "excludes": 0}, ".interval: missing, must be given"),
        ({"interval": 0.9, "excludes": 0}, ".of: missing, must be given"),
        (0.5, ": got 0.5, must be a mapping of keys to values"),
        (ROPE | {"rope": [0.1, -0.1]}, ".rope: got [0.1, -0.1], must be [low, high] with low"),
        (ROPE | {"rope": [0.1, 0.1]}, ".rope: got [0.1, 0.1], must be [low, high] with low"),
        (ROPE | {"inside": 1}, ".inside: got 1, must be true or false"),
        (LIKELY | {"probability": 0.5}, ".probability: got 0.5, must be above 0.5"),
        (LIKELY | {"below": 0}, ": must have either `above` or `below`"),
        ({"of": "x", "probability": 0.9}, ": must have either `above` or `below`"),
        (LIKELY | {"interval": 0.9}, "must have `of` and those of one kind"),
        (EVIDENCE | {"bf": 1}, ".bf: got 1, must be above 1"),
        (ZERO | {"of": "sigma"}, ".excludes: got 0, must be above 0: sigma cannot be negative"),
        (LIKELY | {"of": "sigma"}, ".above: got 0, must be above 0: sigma cannot be negative"),
        (ROPE | {"of": "sigma", "rope": [-1, 0]}, ".rope: got 0, must be above 0: sigma"),
        (ZERO | {"interval": 0.99999}, ".interval: 0.99999 and 1 are too near"),
        (ZERO | {"interval": 0.95001}, ".interval: 0.95 and 0.95001 are too near"),
        (LIKELY | {"probability": 0.97501}, ".probability: 0.95 and 0.95002 are too near"),
    ],
)
def test_a_wrong_decision_is_refused_in_the_users_words(decision, message):
    told = refusal((*X, decision))
    assert "study.yaml: decisions.effect" in told
    assert message in told
    assert told.count("\n") == 0


@pytest.mark.parametrize(
    ("of", "changes", "reason"),
    [
        ("sigma", [], "it depends on 'sigma', must be made of "),
        ("x", [("priors", "weak", "b", "flat")], "the prior of b_x is flat, must be one of "),
        ("x", [("priors", "weak", "b", "constant(0)")], "the prior fixes 'b_x'"),
    ],
)
def test_evidence_needs_a_prior_density(of, changes, reason):
    told = refusal(*changes, (*X, EVIDENCE | {"of": of, "null": 0.5}))
    assert f"decisions.effect.of: got {of!r}, which has no Bayes factor under the prior" in told
    assert f"'weak': {reason}" in told


def test_a_sigma_may_exclude_a_value_above_0():
    assert make_study((*X, ZERO | {"of": "sigma", "excludes": 0.5})).decisions


@pytest.mark.parametrize("name", ["sigma", "x", "twice"])
def test_a_decision_must_not_have_the_name_of_a_parameter_or_estimand(name):
    estimand = ("estimands", "twice", "2 * x")
    told = refusal(estimand, ("decisions", name, ZERO))
    assert f"decisions.{name}: is the name of a parameter or an estimand" in told


def test_a_parameter_that_no_method_of_the_study_estimates_is_refused():
    pooled, sd = ("models", ["pooled"]), ZERO | {"of": "sd_participant__x", "excludes": 0.1}
    assert "must be a parameter that a method of the study with intervals" in refusal(
        pooled, (*X, sd)
    )
    assert make_study(pooled, ("estimators", ["reml"]), (*X, sd))


# Levels


def test_the_levels_of_decisions_are_computed_for_every_fit():
    study = make_study(
        ("intervals", [0.5, 0.89]), (*X, ROPE), ("decisions", "likely", LIKELY | {"above": 1})
    )
    assert study.levels == (0.5, 0.89, 0.95, 0.9)
    assert study.plotted_level == 0.89
    assert make_study(("intervals", [0.5, 0.89])).levels == (0.5, 0.89)


def test_planning_is_of_95_percent_intervals_unless_it_says_otherwise():
    plain = ("planning", "x", {"power": 0.8})
    study = make_study(COUNTS, ("intervals", [0.89]), plain)
    assert study.levels == (0.89, 0.95)
    other = make_study(
        COUNTS, ("intervals", [0.89]), ("planning", "x", {"power": 0.8, "interval": 0.9})
    )
    assert other.levels == (0.89, 0.95, 0.9)


def test_decisions_must_not_need_too_many_levels():
    rules = {f"d{n}": ZERO | {"interval": n / 100} for n in range(1, 20)}
    told = refusal(("decisions", rules))
    assert told == (
        "study.yaml: intervals: has 22 levels with those of decisions and planning, must have at "
        "most 20"
    )


def test_a_new_level_repeats_fits_and_a_level_that_was_there_does_not():
    def identities(*places):
        design = make_design(("estimators", ["reml"]), *places)
        cells = {cell: design.batches(cell)[0] for cell in design.cells}
        return [design.fit(*cell, batch)["identity"] for cell, batch in cells.items()]

    plain = identities()
    assert identities((*X, ZERO)) == plain  # 0.95 is among the default levels
    changed = identities((*X, ROPE))
    assert all(one != other for one, other in zip(plain, changed, strict=True))


def test_the_bayes_factors_that_fits_need():
    other = EVIDENCE | {"of": "b_Intercept", "null": 0.5, "bf": 3}
    twice = EVIDENCE | {"bf": 30}
    study = make_study((*X, EVIDENCE), ("decisions", "b", other), ("decisions", "c", twice))
    assert study.evidence == (("b_x", 0.0), ("b_Intercept", 0.5))


# Planning


def test_targets_may_leave_out_the_b_and_name_estimands_and_decisions():
    study = make_study(
        COUNTS,
        ("estimands", "twice", "2 * x"),
        (*X, ZERO),
        ("planning", {"x": {"power": 0.8}, "twice": {"rmse": 1.0}, "effect": {"rate": 0.9}}),
    )
    assert list(study.planning) == ["b_x", "twice", "effect"]
    assert study.planning["effect"].targets == {"rate": 0.9}


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"x": {"rate": 0.8}}, "planning.x.rate: got 0.8, must be of a decision, not a parameter"),
        (
            {"effect": {"power": 0.8}},
            "planning.effect.power: got 0.8, must not be given: a decision has only `rate`",
        ),
        (
            {"effect": {"rate": 0.8, "interval": 0.9}},
            "planning.effect.interval: got 0.9, must not be given: a decision has only `rate`",
        ),
        ({"efect": {"rate": 0.8}}, "did you mean effect?"),
        (
            {"x": {"power": 0.8}, "b_x": {"rmse": 1.0}},
            "planning: got 'x' and 'b_x', must be one: both are b_x",
        ),
        ({"x": {"power": 0.8, "interval": 0.95001}}, "planning.x.interval: 0.95 and 0.95001 are"),
        ({"x": {"interval": 0.9}}, "planning.x: got no target, must have at least one of"),
    ],
)
def test_a_wrong_target_is_refused(targets, message):
    told = refusal(COUNTS, (*X, ZERO), ("planning", targets))
    assert message in told
    assert told.count("\n") == 0
