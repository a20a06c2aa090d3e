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

from recovery.common.errors import StudyError
from recovery.common.user_files import refuse_outside
from recovery.fit import datasets
from recovery.plan.seeds import fit_seed
from recovery.run import preflight
from recovery.study.yaml_file import read_yaml

OBSERVED = {
    "path": str(ROOT / "config/data/sleepstudy.csv"),
    "outcome": "Reaction",
    "predictor": "Days",
    "participant": "Subject",
    "published": {"lme4": {"source": "a paper", "values": {"b_Intercept": 251.4}}},
}
FULL = {
    **SMALL,
    "engine": "stanli",
    "truths": {
        "drawn": {"prior": "weak", "model": "pooled", "x": "days"},
        "found": {"from_observed": {"data": "real", "model": "centered", "prior": "weak"}},
        "matrix": {"beta": [0, 1], "sigma_p": [1, 1], "Omega": [[1, 0.2], [0.2, 1]], "sigma": 1},
        **SMALL["truths"],
    },
    "observed": {"real": OBSERVED},
    "rescue": [{"adapt_delta": 0.99}, {"adapt_delta": 0.999, "warmup": 200}],
    "intervals": [0.5, 0.89],
    "convergence": {"max_rhat": 1.05},
    "keep_draws": False,
    "participants": [4, 8],
    "planning": {"b_x": {"interval_width": 0.5, "power": 0.8}, "sigma": {"rmse": 0.1}},
}
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
        "days",
    ),
    *([], {}, [[]], [1, 2], [1, 1], [0.1, 0.2], ["pooled", "centered"], [[1, 1], [1, 1]], {"a": 1}),
    *({"prior": "weak"}, {"beta": [1, 2]}, {1: 2}, {"": {}}, {"../up": 1}, list(range(300))),
]
values = st.one_of(
    st.sampled_from(HOSTILE),
    st.integers(),
    st.floats(),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.dictionaries(st.text("ab_./", max_size=4), st.integers(), max_size=2),
    st.dates(),
)
keys = st.one_of(
    st.sampled_from(["x", "prior", "beta", "../up", "a b", "a\nb", "$(x)", "é", "", 1, None, True]),
    st.text(st.characters(codec="utf-8"), max_size=8),
)


def places(part, path=()):
    """Yield the path of everything in a study."""
    for key in part if isinstance(part, dict) else range(len(part)):
        yield (*path, key)
        if isinstance(part[key], dict | list):
            yield from places(part[key], (*path, key))


@st.composite
def mutated(draw):
    """A study with one to four things in it replaced, removed, added, renamed or moved."""
    raw = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 4))):
        *path, last = draw(st.sampled_from(list(places(raw)) or [("name",)]))
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
            *_, other = draw(st.sampled_from(list(places(FULL))))
            part[last] = copy.deepcopy(FULL.get(other, other))
        else:
            part[last] = copy.deepcopy(draw(values))
    return raw


@st.composite
def scribbled(draw):
    """A study file's text with a few characters overwritten."""
    text = yaml.safe_dump(FULL, sort_keys=False)
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, len(text)))
        new = draw(
            st.one_of(st.text("[]{}:,&*!|>#?-'\"\n\t %@<=01.", max_size=3), st.text(max_size=3))
        )
        text = text[:place] + new + text[place + draw(st.integers(0, 4)) :]
    return text.encode("utf-8", "surrogatepass")


def prepared(content: bytes, folder: Path):
    """The design of a study file with this content, or the message that refuses it."""
    file = folder / "study.yaml"
    file.write_bytes(content)
    try:
        raw = read_yaml(file)
        refuse_outside(raw, str(file))
        return preflight.prepare(raw, file, STAN, thoroughly=False)
    except StudyError as refused:
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


def check_simulates(design) -> None:
    """Check that the smallest dataset of each truth can be simulated."""
    for name, scenario in design.scenarios.items():
        rows = scenario.participants * (scenario.observations or 10)
        if design.observed_source(name) is None and rows <= 1000:
            one = {**design.simulation(name, design.data_batches(name)[0]), "replicates": "1"}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # overflow is Stan's to refuse
                data, _ = datasets.simulate_batch(one)
            assert np.unique(data["participant"]).size == scenario.participants


@given(mutated())
def test_a_mutated_study_is_accepted_or_refused_in_one_message(tmp_path_factory, raw):
    text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True)
    found = prepared(text.encode("utf-8", "surrogatepass"), tmp_path_factory.getbasetemp())
    if isinstance(found, str):
        for line in found.splitlines():
            assert re.match(r"study\.yaml: \S.*: .", line), found
            assert len(line) < 1000
    else:
        check_paths(found)
        check_simulates(found)


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
    found = prepared(text.encode("utf-8", "surrogatepass"), checkout.folder)
    assert (done.returncode == 0) == (not isinstance(found, str)), said
    if isinstance(found, str):
        assert all(said.count(line) == 1 for line in found.splitlines()), said
