"""Studies mutated at random: each is accepted or refused in one message, never anything else."""

import copy
import math
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ROOT, SMALL, STAN
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from workflow_runs import check_out

from recovery.common.errors import EngineError, StudyError
from recovery.common.user_files import refuse_outside
from recovery.fit import datasets
from recovery.plan.fit_seconds import rows_of_dataset
from recovery.plan.seeds import fit_seed
from recovery.run import preflight
from recovery.study.yaml_file import read_yaml

OBSERVED = {
    "path": str(ROOT / "config/data/sleepstudy.csv"),
    "columns": {"y": "Reaction", "x": "Days", "participant": "Subject"},
    "published": {"lme4": {"source": "a paper", "values": {"b_Intercept": 251.4}}},
}
FULL = {
    **SMALL,
    "formula": "y ~ x + (x | participant)",
    "design": {"x": {"sequence": [0, 1]}, "missing": 0.2},
    "engine": "stanli",
    "truths": {
        "drawn": {"prior": "weak", "model": "pooled"},
        "found": {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}},
        "matrix": {
            "b": {"Intercept": 0, "x": 1},
            "sd": {"participant": {"Intercept": 1, "x": 1}},
            "cor": {"participant": [[1, 0.2], [0.2, 1]]},
            "sigma": 1,
        },
        **SMALL["truths"],
    },
    "observed": {"real": OBSERVED},
    "rescue": [{"adapt_delta": 0.99}, {"adapt_delta": 0.999, "warmup": 200}],
    "intervals": [0.5, 0.89],
    "convergence": {"max_rhat": 1.05},
    "keep_draws": False,
    "plausible": [0, None],
    "participants": [4, 8],
    "planning": {"b_x": {"interval_width": 0.5, "power": 0.8}, "sigma": {"rmse": 0.1}},
}
CROSSED = {
    **SMALL,
    "formula": "y ~ condition * group + age + (condition | participant) + (1 | item) + (1 | day)",
    "design": {
        "condition": {
            "levels": ["easy", "hard"],
            "coding": "difference",
            "within": ["participant", "item"],
            "latin": "item",
        },
        "group": {
            "levels": ["control", "patient"],
            "coding": [[-0.5], [0.5]],
            "between": "participant",
            "shares": [0.25, 0.75],
        },
        "age": {"normal": [50, 10], "between": "participant"},
        "missing": {"condition": {"easy": 0, "hard": 0.2}},
    },
    "sizes": {"item": [2, 4], "day": {"in": "participant", "each": [2, 1]}},
    "truths": {
        "drawn": {"prior": "weak"},
        "cells": {
            "means": {"easy": {"control": 1, "patient": 2}, "hard": {"control": 2, "patient": 4}},
            "b": {"age": 0.1},
            "sd": {
                "participant": {"Intercept": 1, "condition": 0.5},
                "item": {"Intercept": 0.5},
                "day": {"Intercept": 0.1},
            },
            "cor": {"participant": 0.3},
            "sigma": 1,
        },
    },
    "participants": [4, 8],
    "observations": [1],
    "models": ["pooled", "noncentered"],
    "priors": {
        "weak": {**SMALL["priors"]["weak"], "b_age": "normal(0, 0.1)", "sd_item": "exponential(2)"}
    },
    "planning": {"b_condition:group": {"power": 0.8}},
}
STUDIES = [FULL, CROSSED]
FORMULAS = [
    *("y ~ x", "y ~ 0 + x + (0 + x | participant)", "y ~ x + (x || participant) + (1 | item)"),
    *("y ~ x * age * group + (1 | participant)", "y ~ poly(x, 3) + log(age) + I(x^2)", "y ~ 1"),
    *("y | trials(10) ~ x + (1 | participant)", "log(y) ~ x", "y ~ y", "~ x", "y ~ (1 | x)", "y"),
    *("y ~ x + (1 | item/day)", "y ~ x + offset(log(age))", "y ~ x ^ 99", "y ~ x + x + x - x"),
    *("y ~ " + "(" * 300 + "x" + ")" * 300, "y ~ " + " * ".join(f"x{k}" for k in range(40))),
    *("y ~ poly(x, 10)", "y ~ log(x) + (1 | participant)", "y ~ I(1 / x)", "y ~ x:x:x", "y ~ -1"),
]
DESIGNS = [
    *({"normal": [0, 1]}, {"uniform": [0, 0]}, {"bernoulli": 2}, {"values": [1, 1]}),
    *({"sequence": [0, 0]}, {"normal": [0, 1], "between": "item"}, {"normal": [1e300, 1e300]}),
    *({"levels": ["a", "b", "c"]}, {"levels": ["a"]}, {"levels": [1, 2]}, {"levels": "ab"}),
    *({"levels": ["easy", "hard"], "latin": "day"}, {"in": "day", "each": 1}, {"in": "item"}),
    *({"in": "participant", "each": [10**9]}, {"in": "x", "each": [2]}, {"x": 0.5}, {"x": {}}),
    *({"condition:group": 0.1}, {"item": [2]}, {"participant": [3]}, {"replicate": [3]}),
]
PRIORS = [
    *("student_t(3, 0, 2.5)", "cauchy(0, 1)", "flat", "flat()", "constant(0)", "lkj(1)"),
    *("normal(-1e9, 1)", "uniform(2, 1)", "uniform(-1, 0)", "lognormal(900, 900)", "beta(1, 1)"),
    *("half_normal(0, 1)", "normal(0", "normal(0, exp(1))", "normal(0, 1); x"),
    *("student_t(1e-9, 0, 1)", "gamma(1e-50, 1e50)", "inv_gamma(1e50, 1e-50)"),
]
HOSTILE = [
    *(0, 1, -1, 2, 3, 10**6, 10**7, 2**31, 2**63 - 1, 2**63, 10**400),
    *(0.5, -0.5, 1.0, 1e300, 1e-300, 5e-324, 1.7e308, 1e-50, 1e50, math.nan, math.inf, -math.inf),
    *(
        True,
        False,
        None,
        "",
        " ",
        "x",
        "a_b",
        "é",
        "\n",
        "a\nb: c",
        "\u202e",
        "\x1b[31m",
        "a" * 300,
    ),
    *(
        "../up",
        "/etc/passwd",
        "a/../../b",
        ".",
        "..",
        "~",
        "-rf",
        "$(touch x)",
        "`x`",
        "; x",
        "{x}",
    ),
    *(
        "<script>alert(1)</script>",
        "\\input{x}",
        "%s",
        "%n",
        "1e-3",
        "nan",
        "pooled",
        "weak",
        "item",
    ),
    *([], {}, [[]], [1, 2], [1, 1], [0.1, 0.2], ["pooled", "centered"], [[1, 1], [1, 1]], {"a": 1}),
    *({"prior": "weak"}, {"b": {"x": 1}}, {1: 2}, {"": {}}, {"../up": 1}, list(range(300))),
]
values = st.one_of(
    st.sampled_from(HOSTILE),
    st.sampled_from([*FORMULAS, *DESIGNS]),
    st.sampled_from(PRIORS),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.dictionaries(st.text("ab_./", max_size=4), st.integers(), max_size=2),
    st.dates(),
)
keys = st.one_of(
    st.sampled_from(
        ["x", "prior", "b", "beta", "item", "../up", "a b", "a\nb", "$(x)", "é", "", 1, None, True]
    ),
    st.text(st.characters(codec="utf-8"), max_size=8),
)


def places(part, path=()):
    """Yield the path of everything in a study."""
    for key in part if isinstance(part, dict) else range(len(part)):
        yield (*path, key)
        if isinstance(part[key], dict | list):
            yield from places(part[key], (*path, key))


@st.composite
def mutated(draw, within=None):
    """A study with one to four things in it replaced, removed, added, renamed or moved.

    Those are all in one of the keys `within`, if they are given.
    """
    study = draw(st.sampled_from(STUDIES))
    raw = copy.deepcopy(study)
    for _ in range(draw(st.integers(1, 4))):
        all_places = [place for place in places(raw) if within is None or place[0] in within]
        *path, last = draw(st.sampled_from(all_places or [("name",)]))
        part = raw
        for key in path:
            part = part[key]
        how = draw(st.sampled_from(["replace", "replace", "remove", "add", "rename", "move"]))
        if how == "remove":
            part.pop(last, None) if isinstance(part, dict) else part.pop(last)
        elif how == "add" or not isinstance(part, dict):
            added = copy.deepcopy(draw(values))
            part.update({draw(keys): added}) if isinstance(part, dict) else part.append(added)
        elif how == "rename":
            part[draw(keys)] = part.pop(last, None)
        elif how == "move":
            *_, other = draw(st.sampled_from(list(places(study))))
            part[last] = copy.deepcopy(study.get(other, other))
        else:
            part[last] = copy.deepcopy(draw(values))
    return raw


def rescribbled(text: str, new, draw) -> str:
    """A text with a few characters overwritten."""
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(new) + text[place + draw(st.integers(0, 4)) :]
    return text


@st.composite
def scribbled(draw):
    """A study file's text with a few characters overwritten."""
    text = yaml.safe_dump(draw(st.sampled_from(STUDIES)), sort_keys=False)
    characters = st.text("[]{}:,&*!|>#?-'\"\n\t %@<=01.", max_size=3)
    text = rescribbled(text, st.one_of(characters, st.text(max_size=3)), draw)
    return text.encode("utf-8", "surrogatepass")


TERMS = ["x", "age", "condition", "group", "0", "log(x)", "log(age)", "exp(x)", "poly(x, 2)", "y"]
TERMS += ["condition:group", "x * condition", "I(x^2)", "I(x / 0)", "offset(age)", "poly(age, 9)"]
GROUPS = ["(1 | item)", "(x || participant)", "(0 + age || day)", "(1 | participant/day)"]
GROUPS += [
    "(condition * group | item)",
    "(1 | item:participant)",
    "(1 | item/day)",
    "(log(age) | y)",
]


@st.composite
def of_another_formula(draw):
    """A study of another formula: of terms, or with a few characters overwritten."""
    raw = copy.deepcopy(CROSSED)
    raw["design"]["x"] = {"normal": [0, 1]}
    raw["truths"] = {"drawn": {"prior": "weak"}}
    raw["priors"] = SMALL["priors"]
    del raw["planning"]
    if draw(st.booleans()):
        characters = st.text("~+*:|()-^/ .,01xy_é\n", max_size=3)
        raw["formula"] = rescribbled(
            raw["formula"], st.one_of(st.sampled_from([*TERMS, *GROUPS]), characters), draw
        )
    else:
        terms = draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3, unique=True))
        groups = draw(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True))
        raw["formula"] = f"y ~ {' + '.join([*terms, '(1 + x | participant)', *groups])}"
    return raw


def prepared(content: bytes, folder: Path, thoroughly: bool = False):
    """The design of a study file with this content, or the message that refuses it."""
    file = folder / "study.yaml"
    file.write_bytes(content)
    try:
        raw = read_yaml(file)
        refuse_outside(raw, str(file))
        return preflight.prepare(raw, file, STAN, thoroughly)
    except (StudyError, EngineError) as refused:
        return str(refused).replace(str(file), "study.yaml")


def check_paths(design) -> None:
    """Check that all files of a design are in its folder and its seeds can be derived."""
    study = design.study
    within = Path("results", study.name)
    assert re.fullmatch("[a-z0-9_]+", study.name)
    for cell in design.cells[:20]:
        batch = design.batches(cell)[-1]
        files = [design.cell_file("estimates", cell, batch)]
        files.append(design.dataset_file("data", cell[0], design.data_batch(cell[0], batch)))
        for file in files:
            assert Path(os.path.normpath(file)) == Path(file)
            assert within in Path(file).parents
            assert re.fullmatch(r"[a-z0-9_/.-]+", file)
        assert 0 < fit_seed(design.fit(*cell, batch), batch.first) < 2**31
    for cell in design.observed_cells[:20]:
        assert within in Path(os.path.normpath(design.observed_file("estimates", *cell))).parents


def fits_its_design(design, scenario) -> bool:
    """Whether a scenario has enough groups and observations, which each run checks first."""
    size = (scenario.participants, dict(scenario.sizes), scenario.observations)
    try:
        design.family.check_sizes(*size)
        design.family.check_coefficients(*size)
    except ValueError:
        return False
    return True


def check_simulates(design) -> None:
    """Check that the smallest dataset of each truth can be simulated, or has a reason why not."""
    for name, scenario in design.scenarios.items():
        if design.observed_source(name) is not None:
            continue
        small = rows_of_dataset(design.study, scenario) <= 1000
        if small and fits_its_design(design, scenario):
            one = {**design.simulation(name, design.data_batches(name)[0]), "replicates": "1"}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # overflow is Stan's to refuse
                data, truth = datasets.simulate_batch(one)
            if reason := truth["error"][0]:
                assert not re.match(r"\w+Error\b", reason), reason
                continue
            for factor in ("participant", *design.study.counted_sizes):
                groups = dict(scenario.sizes).get(factor, scenario.participants)
                assert np.unique(data[factor]).size == groups


def check_refused_or_simulates(raw: dict, folder: Path) -> None:
    """Check that a study is refused in lines that name keys, or that it can be run."""
    text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True)
    found = prepared(text.encode("utf-8", "surrogatepass"), folder)
    if isinstance(found, str):
        for line in found.splitlines():
            assert re.match(r"study\.yaml: \S.*: .|  +\S", line), found
            assert len(line) < 1000
    else:
        check_paths(found)
        check_simulates(found)


@given(mutated())
def test_a_mutated_study_is_accepted_or_refused_in_one_message(tmp_path_factory, raw):
    check_refused_or_simulates(raw, tmp_path_factory.getbasetemp())


@given(mutated(within=("formula", "design", "sizes")))
def test_a_mutated_design_is_accepted_or_refused_in_one_message(tmp_path_factory, raw):
    check_refused_or_simulates(raw, tmp_path_factory.getbasetemp())


@given(of_another_formula())
def test_a_formula_that_was_scribbled_on_is_accepted_or_refused(tmp_path_factory, raw):
    check_refused_or_simulates(raw, tmp_path_factory.getbasetemp())


@given(scribbled())
def test_a_file_that_was_scribbled_on_is_accepted_or_refused(tmp_path_factory, text):
    found = prepared(text, tmp_path_factory.getbasetemp())
    if isinstance(found, str):
        assert found.startswith("study.yaml: ")
    else:
        check_paths(found)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return check_out(tmp_path_factory.mktemp("mutated"))


@pytest.mark.slow
@pytest.mark.workflow
@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(mutated())
def test_snakemake_plans_a_mutated_study_or_refuses_it_before_any_job(checkout, raw):
    text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True).replace(f"{ROOT}/", "")
    (checkout.folder / "study.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    done = checkout.snakemake("--dry-run", "--quiet")
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert not (checkout.folder / "results").exists()
    found = prepared(text.encode("utf-8", "surrogatepass"), checkout.folder, thoroughly=True)
    assert (done.returncode == 0) == (not isinstance(found, str)), said
    if isinstance(found, str):
        assert all(said.count(line) == 1 for line in found.splitlines()), said
