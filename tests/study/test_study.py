"""The study file: what is accepted, and what every fault is told in."""

import datetime
import math

import pandas as pd
import pytest
from conftest import DROP, ROOT, SMALL, changed, make_study
from hypothesis import given
from hypothesis import strategies as st
from observed_study import OBSERVED
from pydantic import ValidationError
from snakemake.io import PeriodicityDetector

from recovery import families, tables
from recovery.common.errors import StudyError
from recovery.score import measures
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml

NAME = "must be a name of lower-case letters, digits and underscores (it becomes part of a path)"
TEXT_NUMBER = (
    "got '1e-3', must be a number, and YAML reads this as text; write it with a point, as 1.0e-3"
)
MODELS = "must be one of 'pooled', 'unpooled', 'centered', 'noncentered', 'marginal'"
TRUTH, PRIOR = ("truths", "moderate"), ("priors", "weak")
COR = (*TRUTH, "cor", "participant")
OTHER_TRUTH = SMALL["truths"]["moderate"] | {"sigma": 2}
NOT_DEFINITE = [[1, 1.2], [1.2, 1]]
SINGULAR = [[1, 1], [1, 1]]

FAULTS = {
    "unknown key": [
        (("replicate", 3), "replicate: unknown key, must not be there; did you mean 'replicates'?"),
        ((*TRUTH, "betta", 3), "truths.moderate.betta: unknown key, must not be there"),
        ((*PRIOR, "lkj", 3), "priors.weak.lkj: unknown key, must not be there"),
        (("sampler", "chain", 3), "sampler.chain: unknown key, must not be there"),
        (
            ("truths", "drawn", {"prior": "weak", "sigma": 1}),
            "truths.drawn.sigma: unknown key, must not be there",
        ),
    ],
    "missing key": [
        (("seed", DROP), "seed: missing, must be given"),
        (("truths", DROP), "truths: missing, must be given"),
        ((*TRUTH, "sigma", DROP), "truths.moderate.sigma: missing, must be given"),
        ((*TRUTH, "cor", DROP), "truths.moderate.cor: missing, must be given"),
        ((*TRUTH, "sd", {}), "truths.moderate.sd.participant: missing, must be given"),
        (
            (*PRIOR, "cor", DROP),
            "priors.weak: must have a prior for cor (for cor_participant__Intercept__x)",
        ),
        (
            ("observations", DROP),
            "observations: missing, and truths.moderate needs it; must be a list",
        ),
        (
            ("observed", "d", {"columns": {"participant": "p"}}),
            "observed.d.path: missing, must be given",
        ),
    ],
    "wrong type": [
        (("replicates", "20"), "replicates: got '20', must be an integer"),
        (("replicates", 20.0), "replicates: got 20.0, must be an integer"),
        (("replicates", True), "replicates: got True, must be an integer"),
        (("replicates", None), "replicates: got nothing, must be an integer"),
        (("participants", 8), "participants: got 8, must be a list"),
        (("priors", ["weak"]), "priors: got ['weak'], must be a mapping of names to values"),
        (("sampler", None), "sampler: got nothing, must be a mapping of keys to values"),
        (("sampler", "adapt_delta", "high"), "sampler.adapt_delta: got 'high', must be a number"),
        ((*TRUTH, "b", "x", "a"), "truths.moderate.b.x: got 'a', must be a number"),
        ((*TRUTH, "b", [0.5, 1]), "truths.moderate.b: got [0.5, 1], must be a mapping of names"),
        ((*TRUTH, "sd", 1), "truths.moderate.sd: got 1, must be a mapping of keys to values"),
        ((*TRUTH, "sd", {"participant": 1}), "truths.moderate.sd.participant: got 1, must be a ma"),
        ((*TRUTH, "cor", 0.3), "truths.moderate.cor: got 0.3, must be a mapping of keys to values"),
        (
            (*TRUTH, "cor", {"participant": "a"}),
            "truths.moderate.cor.participant: got 'a', must be a number",
        ),
        ((*TRUTH, [1]), "truths.moderate: got [1], must be a mapping of keys to values"),
        (
            (*PRIOR, "sigma", True),
            "priors.weak.sigma: got True, must be text such as exponential(1)",
        ),
        ((*PRIOR, "b", 1), "priors.weak.b: got 1, must be text such as normal(0, 1)"),
    ],
    "number that YAML reads as text": [
        (
            (*TRUTH, "sigma", "1.0e3"),
            "got '1.0e3', must be a number, and YAML reads this as text; ",
        ),
        ((*TRUTH, "sigma", "1.0e3"), "YAML reads this as text; write it as 1000"),
        ((*TRUTH, "sigma", "1.5e20"), "write it with a point, as 1.5e+20"),
        ((*TRUTH, "sigma", "-.5"), "write it with a point, as -0.5"),
        ((*TRUTH, "sigma", "0x1F"), "got '0x1F', must be a number"),
        ((*TRUTH, "b", "x", "1e-3"), f"truths.moderate.b.x: {TEXT_NUMBER}"),
        ((*TRUTH, "cor", "participant", "1e-3"), f"truths.moderate.cor.participant: {TEXT_NUMBER}"),
        ((*TRUTH, "sigma", "1e-3"), f"truths.moderate.sigma: {TEXT_NUMBER}"),
    ],
    "count that is zero or negative": [
        (("replicates", 0), "replicates: got 0, must be at least 1"),
        (("replicates", -1), "replicates: got -1, must be at least 1"),
        (("participants", [8, 0]), "participants[1]: got 0, must be at least 2"),
        (("participants", [-5]), "participants[0]: got -5, must be at least 2"),
        (("observations", [0]), "observations[0]: got 0, must be at least 1"),
        (("sampler", "draws", -1), "sampler.draws: got -1, must be at least 4"),
        (("seed", -1), "seed: got -1, must be at least 0"),
    ],
    "number out of its range": [
        ((*COR, 1), "truths.moderate.cor.participant: got 1, must be below 1.0"),
        ((*COR, -1.0), "truths.moderate.cor.participant: got -1.0, must be above -1.0"),
        ((*COR, 1.5), "truths.moderate.cor.participant: got 1.5, must be below 1.0"),
        ((*TRUTH, "sigma", -1), "truths.moderate.sigma: got -1, must be above 0.0"),
        (
            (*TRUTH, "sd", "participant", "x", -0.5),
            "truths.moderate.sd.participant.x: got -0.5, must be at least 0.0",
        ),
        (
            (*PRIOR, "b", "normal(0, -1)"),
            "priors.weak.b: got 'normal(0, -1)', its sigma must be above 0",
        ),
        (
            (*PRIOR, "cor", "lkj(0)"),
            "priors.weak.cor: got 'lkj(0)', its eta must be above 0",
        ),
        ((*COR, math.nan), "truths.moderate.cor.participant: got nan, must be a finite number"),
        (("intervals", [0.5, 95]), "intervals[1]: got 95, must be below 1.0"),
    ],
    "unknown name": [
        (("engine", "jags"), "engine: got 'jags', must be one of 'stanli' or 'cmdstan'"),
        (("family", "logistic"), "family: got 'logistic', must be one of 'multilevel_linear'"),
        (("family", 3), "family: got 3, must be a name, or a mapping of `name` and options"),
        (("family", {"categories": 2}), "family: got {'categories': 2}, must be a name, or a map"),
        (("family", {"name": "multilevel_linear", "slopes": 2}), "family.slopes: unknown key"),
        (("family", "a{b}.py"), "family: got 'a{b}.py', must be a path without any of { } < >"),
        (("models", ["pooled", "centred"]), f"models[1]: got 'centred', {MODELS}"),
        (
            ("truths", "drawn", {"prior": "weka"}),
            "truths.drawn.prior: got 'weka', must be one of 'weak'",
        ),
    ],
    "empty list": [
        (("participants", []), "participants: got [], must have at least 1 entries"),
        (("models", []), "models: got [], must have at least 1 entries"),
        (("intervals", []), "intervals: got [], must have at least 1 entries"),
        (("truths", {}), "truths: got {}, must have at least 1 entries"),
        (("priors", {}), "priors: got {}, must have a name of each prior first"),
        (
            (*COR, [[1, 0.3, 0.3], [0.3, 1]]),
            "truths.moderate.cor.participant[0]: got [1, 0.3, 0.3], must have at most 2 entries",
        ),
    ],
    "repeated entry": [
        (
            ("models", ["pooled", "pooled"]),
            "models: 'pooled' is listed more than once; every entry must be different",
        ),
        (
            ("participants", [8, 8]),
            "participants: 8 is listed more than once; every entry must be different",
        ),
    ],
    "levels that cannot be told apart": [
        (
            ("intervals", [0.5, 0.500004]),
            "intervals: 0.5 and 0.500004 are too near; levels must be at least 0.0001 from one "
            "another, from 0 and from 1",
        ),
        (("intervals", [0.9, 0.5, 0.90005]), "intervals: 0.9 and 0.90005 are too near; levels"),
        (("intervals", [0.3, 0.1 + 0.2]), "intervals: 0.3 and 0.3 are too near; levels must be"),
        (("intervals", [1e-13]), "intervals: 0 and 1e-13 are too near; levels must be at least"),
        (("intervals", [0.99999]), "intervals: 0.99999 and 1 are too near; levels must be at"),
    ],
    "more than can be": [
        (("intervals", [i / 100 for i in range(1, 30)]), "must have at most 20 entries"),
        (("participants", [*range(2, 1_000_002)]), "must have at most 1000 entries"),
        (("observations", [*range(1, 1002)]), "must have at most 1000 entries"),
        (("truths", {f"t{i}": OTHER_TRUTH for i in range(20_000)}), "must have at most 1000 entr"),
        (("title", "a" * 10_000_000), "aaa..., must have at most 300 characters"),
        (("rescue", [{"warmup": i} for i in range(1, 30)]), "must have at most 20 entries"),
        (
            ("observed", "d", {**OBSERVED, "columns": {"y": "y" * 1001}}),
            "must have at most 1000 charac",
        ),
    ],
    "what breaks a line, a page or a path": [
        (("title", " "), "title: got ' ', must not be empty"),
        (("title", "a\x1b[31m"), "title: got the control character '\\x1b', must be text without"),
        (("a\nb", 1), "'a\\nb': unknown key, must not be there"),
        ((1, 1), "the file: got the key 1, keys must be text"),
        (("seed", datetime.date(2020, 1, 1)), "seed: got the date 2020-01-01, must be an integer"),
        (("seed", 16**5000), "seed: got a number of thousands of digits, must be below"),
        (
            ("observed", "d", {**OBSERVED, "path": "a{b}.csv"}),
            "observed.d.path: got 'a{b}.csv', must be a path without any of { } < > and line ends",
        ),
    ],
    "name that no path can hold": [
        (("name", "My Study"), f"name: got 'My Study', {NAME}"),
        (("name", "../up"), f"name: got '../up', {NAME}"),
        (("name", ""), f"name: got '', {NAME}"),
        (("name", "small\n"), f"name: got 'small\\n', {NAME}"),
        (("name", "a" * 61), "at most 60 characters"),
        (("name", "x" + "a" * 20), "name: got 'xaaaaaaaaaaaaaaaaaaaa', must not end in 'a' 20 tim"),
        (
            ("priors", "ab" * 25, {}),
            "must not end in 'ab' 20 times or more, which Snakemake refuses",
        ),
        (("truths", "Strong", OTHER_TRUTH), f"truths.Strong: got 'Strong', {NAME}"),
        (("truths", 1, OTHER_TRUTH), "got 1, must be a name in quotes, of lower-case letters"),
        (("priors", "a-b", {}), f"priors.a-b: got 'a-b', {NAME}"),
        (("observed", "d.e", OBSERVED), f"observed.d.e: got 'd.e', {NAME}"),
        (("models", ["a/b"]), f"models[0]: got 'a/b', {NAME}"),
    ],
}
CASES = [
    pytest.param(place, message, id=f"{kind}: {'.'.join(map(str, place[:-1]))} {number}")
    for kind, cases in FAULTS.items()
    for number, (place, message) in enumerate(cases)
]


def refusal(raw) -> str:
    with pytest.raises(StudyError) as refused:
        parse(raw, families.find, "study.yaml")
    return str(refused.value)


@pytest.mark.parametrize(("place", "message"), CASES)
def test_a_fault_is_told_in_one_line_with_key_value_and_what_is_allowed(raw_study, place, message):
    told = refusal(changed(raw_study, place))
    assert message in told
    assert told.startswith("study.yaml: ")
    assert told.count("\n") == 0, "one fault must be one line"


@pytest.mark.parametrize(
    ("omega", "message"),
    [
        (
            NOT_DEFINITE,
            "[[1.0, 1.2], [1.2, 1.0]], the correlation matrix must be positive definite",
        ),
        (SINGULAR, "[[1.0, 1.0], [1.0, 1.0]], the correlation matrix must be positive definite"),
        ([[1, 0.2], [0.3, 1]], "must be symmetric with a diagonal of 1"),
        ([[1, 0.2], [0.2, 2]], "must be symmetric with a diagonal of 1"),
    ],
)
def test_what_is_not_a_correlation_matrix_is_refused(raw_study, omega, message):
    told = refusal(changed(raw_study, (*COR, omega)))
    assert told.startswith("study.yaml: truths.moderate.cor.participant: got [[1.0, ")
    assert told.endswith(message)


def test_several_faults_come_in_one_error_a_line_each(raw_study):
    told = refusal(
        changed(raw_study, (*TRUTH, "sigma", -1), (*PRIOR, "cor", "lkj(0)"), ("models", ["x"]))
    )
    assert sorted(told.splitlines()) == [
        f"study.yaml: models[0]: got 'x', {MODELS}",
        "study.yaml: priors.weak.cor: got 'lkj(0)', its eta must be above 0",
        "study.yaml: truths.moderate.sigma: got -1, must be above 0.0",
    ]


def test_a_truth_from_observed_data_must_name_what_there_is(raw_study):
    source = {"data": "d", "model": "unpooled", "prior": "q"}
    told = refusal(changed(raw_study, ("truths", "found", {"from_observed": source})))
    place = "study.yaml: truths.found.from_observed"
    assert f"{place}.data: got 'd', must be one of (none is declared)" in told
    assert f"{place}.model: got 'unpooled', must be one of 'pooled', 'centered'" in told
    assert f"{place}.prior: got 'q', must be one of 'weak'" in told


def test_a_truth_cannot_come_from_a_model_that_lacks_parameters(raw_study):
    source = {"data": "d", "model": "pooled", "prior": "weak"}
    places = ("observed", "d", OBSERVED), ("truths", "found", {"from_observed": source})
    assert refusal(changed(raw_study, *places)) == (
        "study.yaml: truths.found.from_observed.model: got 'pooled', "
        "must be a model that estimates every parameter of a truth"
    )


def test_published_values_must_name_parameters(raw_study):
    published = {"published": {"lme4": {"source": "paper", "values": {"tau": 1.0}}}}
    told = refusal(changed(raw_study, ("observed", "d", OBSERVED | published)))
    assert told.startswith(
        "study.yaml: observed.d.published.lme4.values: got 'tau', must be one of"
    )


def test_levels_that_can_be_told_apart_have_columns_of_their_own(raw_study):
    levels = [0.0001, 0.0002, 0.5, 0.5001, 0.9998, 0.9999]
    study = parse(changed(raw_study, ("intervals", levels)), families.find)
    columns = [tables.interval_columns(level) for level in study.intervals]
    assert len({name for pair in columns for name in pair}) == 2 * len(levels)
    found = pd.DataFrame({"measure": "coverage", "level": levels})
    for level in levels:
        assert measures.rows_of_measure(found, "coverage", level)["level"].tolist() == [level]


def test_thousands_of_faults_are_told_in_20_lines(raw_study):
    many = {f"key{number}": 1 for number in range(30_000)}
    lines = refusal({**raw_study, **many}).splitlines()
    assert len(lines) == 20
    assert lines[-1] == "... and 29,981 more"
    priors = {f"p{number}": raw_study["priors"]["weak"] for number in range(1000)}
    truths = {f"t{number}": {"prior": "x" * 1000} for number in range(1000)}
    lines = refusal({**raw_study, "priors": priors, "truths": truths}).splitlines()
    assert len(lines) == 20
    assert max(map(len, lines)) <= 500


def test_a_valid_study_round_trips(raw_study):
    study = parse(raw_study, families.find)
    again = parse(study.model_dump(mode="json", exclude_none=True), families.find)
    assert again == study


def test_a_prior_of_a_class_stands_for_all_its_coefficients_without_one_of_their_own():
    prior = make_study((*PRIOR, "sd_participant__x", "exponential(3)")).priors["weak"]
    assert prior.of("sd_participant__Intercept").arguments == (1.0,)
    assert prior.of("sd_participant__x").arguments == (3.0,)


def test_a_study_has_defaults_for_what_few_care_about(raw_study):
    study = parse(changed(raw_study, ("sampler", DROP), ("batch", DROP)), families.find)
    assert study.engine == "stanli"
    assert study.sampler.given() == {
        "chains": 4,
        "warmup": 1000,
        "draws": 1000,
        "adapt_delta": 0.8,
        "max_treedepth": 10,
        "time_limit": 3600.0,
    }
    assert study.intervals == (0.5, 0.89, 0.95)


@pytest.mark.parametrize(
    "pick",
    [lambda s: s, lambda s: s.sampler, lambda s: s.truths["moderate"], lambda s: s.priors["weak"]],
)
def test_what_a_study_holds_cannot_be_changed(pick):
    part = pick(make_study())
    with pytest.raises(ValidationError, match="frozen"):
        setattr(part, next(iter(type(part).model_fields)), 1)


@pytest.mark.parametrize(("levels", "plotted"), [([0.5, 0.89], 0.89), ([0.5, 0.95, 0.9], 0.95)])
def test_figures_show_the_89_per_cent_interval_or_the_widest(levels, plotted):
    assert make_study(("intervals", levels)).plotted_level == plotted


@given(st.from_regex(r"[ab1]{0,3}([ab_]{1,2})\1{15,24}", fullmatch=True).map(lambda t: t[:60]))
def test_names_that_snakemake_takes_for_a_loop_are_refused_and_no_others(name):
    refused = PeriodicityDetector().is_periodic(name) is not None
    if refused:
        assert "20 times or more" in refusal(changed(SMALL, ("name", name)))
    else:
        assert make_study(("name", name)).name == name


@pytest.mark.parametrize("file", sorted((ROOT / "config").rglob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_study_parses(file):
    assert parse(read_yaml(file), families.find, file.name).name


def test_observations_that_no_truth_uses_are_refused(raw_study):
    source = {"data": "real", "model": "centered", "prior": "weak"}
    taken = changed(
        raw_study, ("observed", "real", OBSERVED), ("truths", {"t": {"from_observed": source}})
    )
    told = "study.yaml: observations: must not be given, every truth takes them from observed data"
    assert refusal(taken) == told


@pytest.mark.parametrize(
    ("written", "said"),
    [("\x1b[31m", r"\x1b[31m"), ("a\0b", r"a\x00b"), ("\u202eb", r"\u202eb"), ("é\tü", r"é\tü")],
)
def test_what_a_terminal_would_obey_stands_in_messages_as_its_code(raw_study, written, said):
    with pytest.raises(StudyError) as refused:
        parse(raw_study | {"family": f"{written}.py"}, families.find)
    assert str(refused.value).startswith(f"{said}.py: cannot be read: ")
