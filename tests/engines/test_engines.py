"""Both engines, run for real: closed forms, seeds, errors, and a comparison of the two."""

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import replace

import cmdstanpy
import numpy as np
import pytest
from conftest import ROOT, STAN
from flat_glm import FLAT_GLM

from recovery import engines, families
from recovery.common.errors import EngineError
from recovery.engines.protocol import SAMPLER_COLUMNS, DataError, Program, Settings
from recovery.fit import posterior

family = families.find("multilevel_linear")
SETTINGS = Settings(chains=4, warmup=500, draws=2000, adapt_delta=0.9, max_treedepth=10)
SHORT = Settings(chains=2, warmup=50, draws=50, adapt_delta=0.8, max_treedepth=10)
NORMAL = """
data { int<lower=1> N; vector[N] y; }
parameters { real mu; }
model { mu ~ normal(0, 2); y ~ normal(mu, 1); }
"""
BROKEN = "parameters { real x } model { x ~ normal(0, 1); }"
LACKING = """
parameters { real x; }
model { x ~ normal(0, 1); }
generated quantities { int k = ordered_logistic_rng(x, [-1, 1]'); }
"""
ONE_FIT = """
import json, pathlib, sys
from recovery.engines import find, protocol
cmdstan = find("cmdstan")
loaded = cmdstan.load(protocol.Program("glm.stan", ".", sys.argv[1]))
data = json.loads(pathlib.Path(sys.argv[2]).read_text())
cmdstan.sample(loaded, data, 1, protocol.Settings(2, 50, 50, 0.8, 10))
"""


@pytest.fixture
def engine():
    return engines.find("stanli")


@pytest.fixture
def cmdstan():
    return engines.find("cmdstan")


@pytest.fixture
def program(tmp_path):
    """Write a program from a text."""

    def written(text) -> Program:
        file = tmp_path / "program.stan"
        file.write_text(text)
        return Program(str(file), str(tmp_path))

    return written


def shipped(model) -> Program:
    return Program(str(STAN / "multilevel_linear" / f"{model}.stan"), str(STAN))


def moments(draws, names) -> tuple[np.ndarray, ...]:
    """Means and sds, and the Monte Carlo errors of both (a normal's for the sd)."""
    found = posterior.convergence(draws, names)
    summary = posterior.summarise(draws, names, [0.9])
    return (
        np.concatenate([summary["mean"], summary["sd"]]),
        np.concatenate(
            [found["mcse_mean"][:-1], summary["sd"] / np.sqrt(2 * found["ess_tail"][:-1])]
        ),
    )


# stanli


def test_stanli_samples_a_posterior_known_in_closed_form(engine, program, rng):
    y = rng.normal(1, 1, size=10)
    draws = engine.sample(engine.load(program(NORMAL)), {"N": 10, "y": y}, 1, SETTINGS)
    precision = 10 + 1 / 4
    found, errors = moments(draws, ["mu"])
    # 4 Monte Carlo errors: false alarms 6e-5 each
    assert np.all(np.abs(found - [y.sum() / precision, precision**-0.5]) < 4 * errors)


def test_the_seed_decides_the_draws_of_stanli(engine, simulated, prior):
    data = family.stan_data(simulated[0], prior, "centered")
    loaded = engine.load(shipped("centered"))
    one, same, other = (engine.sample(loaded, data, seed, SHORT).values for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert not np.isin(one[:, :, 0], other[:, :, 0]).any()


def test_draws_of_stanli_are_complete(engine, simulated, prior):
    data = family.stan_data(simulated[0], prior, "pooled")
    draws = engine.sample(engine.load(shipped("pooled")), data, 1, SETTINGS)
    sizes = {"free": 3, "named": 3, "b": 2}
    vectors = [f"{name}[{k}]" for name, size in sizes.items() for k in range(1, size + 1)]
    assert draws.names == [*vectors, "sigma"]
    assert draws.values.shape == (4, 2000, 9)
    assert {name: v.shape for name, v in draws.sampler.items()} == dict.fromkeys(
        SAMPLER_COLUMNS, (4, 2000)
    )
    assert draws.warmup_seconds > 0
    assert draws.sampling_seconds > 0


@pytest.mark.parametrize("model", family.MODELS)
def test_stanli_runs_every_shipped_program(engine, model, simulated, prior):
    columns, _ = simulated
    data = family.stan_data(columns, prior, model)
    engine.check(shipped(model), data)
    names = engine.sample(engine.load(shipped(model)), data, 1, SHORT).names
    assert set(family.MODELS[model].scored) <= set(family.parameter_names(names, columns))


@pytest.mark.parametrize("call", ["check", "load"])
def test_stanli_refuses_a_program_that_does_not_compile(engine, program, call):
    broken = program(BROKEN)
    arguments = (broken, {}) if call == "check" else (broken,)
    with pytest.raises(EngineError) as refused:
        getattr(engine, call)(*arguments)
    assert str(refused.value).startswith(f"{broken.path}: does not compile:\nSyntax error")
    assert 'Expected ";"' in str(refused.value)


def test_stanli_refuses_a_program_that_it_cannot_run_in_full(engine, program):
    lacking = program(LACKING)
    with pytest.raises(EngineError) as refused:
        engine.check(lacking, {})
    told = str(refused.value)
    assert told.startswith(f"{lacking.path}: stanli cannot run all of this program: ")
    assert "ordered_logistic_rng" in told
    assert "Set `engine: cmdstan`" in told


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"N": 2, "y": [1.0, np.nan]}, r"Random variable\[2\] is nan"),
        ({"N": 2, "y": [1.0]}, r"dims declared=\(2\)"),
        ({"N": 0, "y": []}, "N is 0, but must be greater than or equal to 1"),
    ],
)
def test_stanli_fails_with_stans_message(engine, program, data, message):
    loaded = engine.load(program(NORMAL))
    with pytest.raises(RuntimeError, match=message):
        engine.sample(loaded, data, 1, SHORT)


@pytest.mark.parametrize(
    "data", [{"N": 2}, {"N": 2, "y": [1.0]}, {"N": 1.5, "y": [1.0]}, {"N": 1, "y": "1"}]
)
def test_unreadable_data_for_stanli_are_a_data_error(engine, program, data):
    loaded = engine.load(program(NORMAL))
    with pytest.raises(DataError):
        engine.sample(loaded, data, 1, SHORT)


def test_stanli_has_a_version(engine):
    assert re.fullmatch(r"\d+\.\d+\.\d+", engine.version())


# CmdStan


@pytest.fixture
def loaded(cmdstan, cmdstan_files, cmdstan_home):
    """A program compiled by CmdStan: a generalised linear model, `pooled` among its cases."""
    executable = str(cmdstan_files / "glm_v_continuous.exe")
    return cmdstan.load(Program("glm.stan", ".", executable))


@pytest.fixture
def as_pooled(simulated):
    """Data for which that program equals `pooled` with the intercept's prior at zero."""
    columns, _ = simulated
    x, y = columns["x"], columns["y"]
    return FLAT_GLM | {"N": x.size, "X": x[:, None], "y": y}


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_both_engines_sample_the_same_posterior(engine, cmdstan, loaded, as_pooled, simulated):
    theirs = cmdstan.sample(loaded, as_pooled, 1, SETTINGS)
    at_zero = families.find({"name": "multilevel_linear", "formula": "y ~ 0 + Intercept + x"})
    prior = at_zero.Prior(b="normal(0, 1)", sigma="exponential(1)")
    data = at_zero.stan_data(simulated[0], prior, "pooled")
    ours = engine.sample(engine.load(shipped("pooled")), data, 1, SETTINGS)
    found, error = moments(ours, ["b[1]", "b[2]", "sigma"])
    wanted, their_error = moments(theirs, ["alpha[1]", "beta[1]", "sigma"])
    # three means and three sds, 4 Monte Carlo errors each: false alarms 4e-4 in all
    assert np.all(np.abs(found - wanted) < 4 * np.hypot(error, their_error))


def test_the_seed_decides_the_draws_of_cmdstan(cmdstan, loaded, as_pooled):
    one, same, other = (cmdstan.sample(loaded, as_pooled, seed, SHORT).values for seed in (7, 7, 8))
    np.testing.assert_array_equal(one, same)
    assert not np.isin(one[:, :, 0], other[:, :, 0]).any()


def test_draws_of_cmdstan_are_complete(cmdstan, loaded, as_pooled):
    long = replace(SHORT, warmup=2000, draws=2000)  # CmdStan gives seconds to the millisecond
    draws = cmdstan.sample(loaded, as_pooled, 1, long)
    assert draws.names == ["alpha[1]", "beta[1]", "sigma"]
    assert draws.values.shape == (2, 2000, 3)
    assert {name: v.shape for name, v in draws.sampler.items()} == dict.fromkeys(
        SAMPLER_COLUMNS, (2, 2000)
    )
    assert draws.warmup_seconds > 0
    assert draws.sampling_seconds > 0


def test_cmdstan_leaves_no_file_behind(cmdstan, loaded, as_pooled, temporary):
    cmdstan.sample(loaded, as_pooled, 1, SHORT)
    assert [file for file in temporary.rglob("*") if file.is_file()] == []


def test_cmdstan_prints_nothing(loaded, as_pooled, tmp_path):
    # In a process of its own: pytest's handlers change what cmdstanpy logs.
    data = tmp_path / "data.json"
    cmdstanpy.write_stan_json(str(data), as_pooled)
    arguments = [loaded.executable, str(data)]
    command = [sys.executable, "-c", ONE_FIT, *arguments]
    scripts = {"PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    done = subprocess.run(
        command, env=os.environ | scripts, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_cmdstan_fails_with_stans_message(cmdstan, loaded, as_pooled, temporary):
    y = np.where(np.arange(as_pooled["N"]) == 1, np.nan, as_pooled["y"])
    with pytest.raises(RuntimeError, match=r"Random variable\[2\] is nan"):
        cmdstan.sample(loaded, as_pooled | {"y": y}, 1, SHORT)
    assert [file for file in temporary.rglob("*") if file.is_file()] == []


def test_cmdstan_has_a_version(cmdstan, cmdstan_home):
    assert cmdstan.version() == "2.30.1"


@pytest.mark.parametrize("model", family.MODELS)
def test_cmdstan_compiles_every_shipped_program(cmdstan, cmdstan_home, model, simulated, prior):
    cmdstan.check(shipped(model), family.stan_data(simulated[0], prior, model))
    assert not list(STAN.rglob("*.hpp"))


def test_cmdstan_refuses_a_program_that_does_not_compile(cmdstan, cmdstan_home, program):
    broken = program(BROKEN)
    with pytest.raises(EngineError) as refused:
        cmdstan.check(broken, {})
    assert str(refused.value).startswith(f"{broken.path}: does not compile:\nSyntax error")
    assert '";" is expected' in str(refused.value)


def test_the_error_without_cmdstan_says_how_to_install_it(cmdstan, monkeypatch, tmp_path):
    for variable in ("CMDSTAN", "CONDA_PREFIX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(EngineError) as refused:
        cmdstan.version()
    told = str(refused.value)
    assert told.startswith("engine: got 'cmdstan', but CmdStan is not installed.")
    for way in ("environment.yml", "cmdstanpy.install_cmdstan", "CMDSTAN", "engine: stanli"):
        assert way in told
