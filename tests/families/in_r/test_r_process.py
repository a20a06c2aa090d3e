"""R as a guest: its errors, its death, its limits, and what it is told."""

import os
import signal
import time
from itertools import product

import numpy as np
import psutil
import pytest
from classical_fits import fitted, simulated
from conftest import LINEAR, make_design, make_study
from installed_r import needs_r

from recovery import families
from recovery.common.errors import StudyError
from recovery.common.worker import Child, ChildLostError
from recovery.families.multilevel import in_r
from recovery.families.multilevel.in_r import packages, process, requests
from recovery.fit import batches, datasets, estimator
from recovery.plan import provenance
from recovery.plan.batch_size import Batch
from recovery.run import preflight
from recovery.study.methods import NO_PRIOR

TIGHT = 1e-6
TELLS = "echo 'R 4.2.2'; for p in lme4 lmerTest jsonlite; do echo $p 1.0; done"


def lmer(columns):
    """What a child answers with: an estimate by lmer, and the number of its process of R."""
    value, _ = fitted("lmer", columns)
    return value["b_x"], process._running[os.getpid(), in_r.SCRIPT].process.pid


def ended(number):
    """Whether a process ends within a minute; who inherited it may not have waited for it."""
    for _ in range(600):
        if not psutil.pid_exists(number) or psutil.Process(number).status() == "zombie":
            return True
        time.sleep(0.1)
    return False


def request(columns, family=LINEAR):
    return requests.of("lmer", "gaussian", False, family.layout, 1, columns)


@needs_r
def test_one_process_of_r_makes_all_fits_of_a_child():
    with Child(lmer, 120) as child:
        (first, one), (second, other) = (child.call(simulated(seed)) for seed in (1, 2))
    assert one == other
    assert first != second
    assert ended(one)


@needs_r
def test_an_error_of_r_is_a_failure_with_its_message_and_the_next_fit_works():
    columns = simulated()
    alone = columns | {"participant": np.arange(columns["y"].size) + 1}
    with pytest.raises(
        RuntimeError, match="R: number of levels of each grouping factor must be < number"
    ):
        fitted("lmer", alone)
    assert fitted("lmer", columns)[0]["sigma"] > 0


@needs_r
def test_an_r_that_died_is_one_failure_and_the_next_fit_has_another():
    columns = simulated()
    before, number = lmer(columns)
    os.kill(number, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="R ended: SIGKILL"):
        lmer(columns)
    after, other = lmer(columns)
    assert after == before
    assert other != number


@needs_r
def test_a_time_limit_ends_r_too():
    with Child(lmer, 120) as child:
        _, number = child.call(simulated())
        with pytest.raises(ChildLostError, match="time limit"):
            child.call(simulated(2), seconds=0)
        assert ended(number)
        assert child.call(simulated())[1] != number


@needs_r
@pytest.mark.parametrize("part", ["fixed", "varying"])
def test_another_design_matrix_is_refused_with_both_names(part):
    asked = request(simulated())
    changed = asked["fixed"] if part == "fixed" else asked["varying"][0]
    changed["matrix"] = [[one, x + 1e-3] for one, x in changed["matrix"]]
    message = r"the study has the column x, R has \(Intercept\), x"
    with pytest.raises(RuntimeError, match=message):
        process.ask(in_r.SCRIPT, asked)


@needs_r
def test_a_predictor_that_does_not_vary_is_a_failure():
    columns = simulated()
    with pytest.raises(RuntimeError, match="R: the fixed-effects model matrix"):
        fitted("lmer", columns | {"x": np.ones(columns["y"].size)})


@needs_r
def test_names_that_mean_something_in_r_are_only_names():
    names = ("if", "T", "c")
    formula = "function ~ if * T + I(c^2) + (if | participant)"
    odd = families.find(
        {
            "name": "multilevel_linear",
            "formula": formula,
            "design": {
                "if": {"normal": [0, 1]},
                "T": {"levels": ["a", "b"]},
                "c": {"normal": [0, 1]},
            },
        }
    )
    plain = families.find(
        {
            "name": "multilevel_linear",
            "formula": "y ~ u * v + I(w^2) + (u | participant)",
            "design": {
                "u": {"normal": [0, 1]},
                "v": {"levels": ["a", "b"]},
                "w": {"normal": [0, 1]},
            },
        }
    )
    rng, columns = np.random.default_rng(5), simulated()
    size = columns["y"].size
    values = (columns["x"], rng.integers(1, 3, size), rng.normal(size=size))
    shared = {"participant": columns["participant"]}
    one = shared | {"function": columns["y"]} | dict(zip(names, values, strict=True))
    other = shared | {"y": columns["y"]} | dict(zip("uvw", values, strict=True))
    found, expected = (
        [*fitted("lmer", data, family)[0].values()] for data, family in ((one, odd), (other, plain))
    )
    assert found == pytest.approx(expected, rel=TIGHT)


@needs_r
def test_a_singular_fit_says_so_and_has_no_intervals_of_standard_deviations():
    columns = simulated()
    noise = columns | {"y": np.random.default_rng(3).normal(size=columns["y"].size)}
    centred = noise["y"].copy()
    for number in np.unique(noise["participant"]):  # no differences between participants
        rows = noise["participant"] == number
        centred[rows] -= centred[rows].mean()
    for name in ("lmer", "glmmTMB"):
        result = LINEAR.ESTIMATORS[name].fit(noise | {"y": centred})
        assert result.not_converged_because.startswith("singular fit: ")
        (sd,) = (part for part in result.parts if part.names[0].startswith("sd_"))
        assert np.isnan(sd.error).all()
        assert np.isfinite(result.parts[0].error).all()
        assert all(np.isfinite(part.value).all() for part in result.parts)


@needs_r
@pytest.mark.parametrize("name", ["lmer", "glmmTMB"])
def test_a_batch_has_rows_of_every_replicate_with_the_version_of_the_package(name):
    study = ("estimators", [name]), ("participants", [8]), ("observations", [6])
    made_by = [LINEAR.ESTIMATORS[name].library, packages.version(name)]
    design = make_design(*study, estimating_engines={name: made_by})
    batch, scenario = Batch(1, 3, 3), "moderate-8x6"
    data, truth = datasets.simulate_batch(design.simulation(scenario, batch))
    data["x"][data["replicate"] == 2] = 1.0
    fitter = estimator.EstimatorFitter(design.fit(scenario, name, NO_PRIOR, batch))
    found = batches.fit_batch(data, truth, fitter)
    diagnostics = found["diagnostics"]
    assert [*diagnostics["status"]] == ["ok", "failed", "ok"]
    assert "R: " in diagnostics["error"][1]
    made = zip(diagnostics["engine"], diagnostics["engine_version"], strict=True)
    assert {*made} == {tuple(made_by)}
    estimates = found["estimates"]
    rows = {*zip(estimates["replicate"], estimates["parameter"], strict=True)}
    assert rows >= {*product((1, 3), LINEAR.ESTIMATORS[name].scored)}
    assert 2 not in estimates["replicate"]
    assert {*found["groups"]["coefficient"]} == {"r_participant[,Intercept]", "r_participant[,x]"}


# Without R


@pytest.fixture
def without_r(monkeypatch, tmp_path):
    """No Rscript on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    packages._versions.cache_clear()
    yield tmp_path
    packages._versions.cache_clear()


def test_a_missing_r_is_refused_with_what_to_install(without_r):
    message = "needs R, and there is no Rscript; .*conda install r-lme4.*apt install r-cran-lme4"
    with pytest.raises(ValueError, match=message):
        packages.version("lmer")
    study = make_study(("estimators", ["ols", "lmer"]))
    faults = [*preflight._missing_packages(study, study.scored_family)]
    assert [fault.partition(";")[0] for fault in faults] == [
        "estimators[1]: lmer needs R, and there is no Rscript"
    ]


def fake(folder, answer):
    """An Rscript that tells versions, and that it ran."""
    script = folder / "Rscript"
    script.write_text(f"#!/bin/sh\n: > {folder}/ran\n{answer}\n")
    script.chmod(0o755)


def test_a_missing_package_is_refused_with_its_name(without_r):
    fake(without_r, f"{TELLS}; echo ordinal NA")
    assert packages.version("lmer") == "1.0 (R 4.2.2, lmerTest 1.0)"
    with pytest.raises(ValueError, match=r"needs 'ordinal', which R lacks; .*r-ordinal"):
        packages.version("clmm")


def test_an_rscript_that_fails_is_refused_with_what_it_says(without_r):
    fake(without_r, "echo no libR >&2; exit 1")
    with pytest.raises(ValueError, match="needs R, and Rscript fails: no libR"):
        packages.version("glmer")


@pytest.mark.parametrize(("names", "starts"), [(["reml", "ols"], False), (["lmer"], True)])
def test_r_starts_only_if_a_study_asks_for_it(without_r, names, starts):
    fake(without_r, TELLS)
    study = make_study(("estimators", names))
    assert [*preflight._missing_packages(study, study.scored_family)] == []
    provenance._estimating(study, study.scored_family)
    assert (without_r / "ran").exists() == starts


# Identity


def test_versions_and_code_of_r_decide_only_estimates_by_r(without_r):
    fake(without_r, TELLS)
    study = make_study(("estimators", ["reml", "lmer"]))
    found = provenance._estimating(study, study.scored_family)
    assert found["estimating_engines"]["lmer"] == ["lme4", "1.0 (R 4.2.2, lmerTest 1.0)"]
    assert found["estimating_engines"]["reml"][0] == "scipy"
    files = study.scored_family.ESTIMATOR_FILES
    assert in_r.SCRIPT in files["lmer"]
    assert in_r.SCRIPT not in files["reml"]
    assert found["estimating"]["lmer"] != found["estimating"]["reml"]


@pytest.mark.parametrize(
    ("family", "name", "instead"),
    [
        ("multilevel_bernoulli", "lmer", "'glmer', 'glmmTMB'"),
        ("multilevel_negative_binomial", "glmer", "'glmmTMB'"),
        ("multilevel_ordinal", "glmmTMB", "'polr', 'clmm'"),
    ],
)
def test_a_function_that_lacks_a_family_is_refused_with_those_that_have_it(family, name, instead):
    own = {"multilevel_negative_binomial": {"shape": 2.0}}.get(family, {})
    truth = {
        "b": {"Intercept": 0, "x": 1},
        "sd": {"participant": {"Intercept": 1, "x": 1}},
        "cor": {"participant": 0},
        **own,
    }
    if family == "multilevel_ordinal":
        truth |= {"b": {"x": 1}, "thresholds": [-1, 0, 1, 2]}
    priors = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sd": "exponential(1)"}
    priors |= {"cor": "lkj(2)", **({"shape": "gamma(2, 0.1)"} if own else {})}
    with pytest.raises(StudyError, match=rf"estimators\[0\]: got '{name}', must be .*{instead}"):
        make_study(
            ("family", family),
            ("truths", {"one": truth}),
            ("priors", {"weak": priors}),
            ("estimators", [name]),
        )
