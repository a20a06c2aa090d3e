"""What a study may ask of the sampler beside chains and draws, of both engines."""

import json

import numpy as np
import pytest
from conftest import STAN, make_design, make_study

from recovery import engines
from recovery.common.errors import StudyError
from recovery.engines.cmdstan import processes
from recovery.engines.protocol import Program, Settings
from recovery.run import preflight

BASE = {"chains": 2, "warmup": 100, "draws": 100}
KEYS = [
    ("metric", "dense_e"),
    ("step_size", 0.1),
    ("inits", 0),
    ("inits", "pathfinder"),
    ("inits", {"sigma": 1, "b": [0.5, 0]}),
]
# Two normal parameters with a correlation of 0.99, and a matrix.
CORRELATED = """
parameters { vector[2] x; real<lower=0> s; matrix[2, 3] m; }
model { x ~ multi_normal([0, 0]', [[1, 0.99], [0.99, 1]]); s ~ normal(0, 1);
  to_vector(m) ~ normal(0, 1); }
"""


def with_sampler(**keys):
    return ("sampler", BASE | keys)


def specification(*places):
    design = make_design(*places)
    cell = ("moderate-4x3", "pooled", "weak")
    return design.fit(*cell, design.batches(cell)[0])


def test_keys_that_are_not_set_are_in_no_identity():
    assert set(specification(with_sampler())["sampler"]) == {
        *("chains", "warmup", "draws", "adapt_delta", "max_treedepth", "time_limit")
    }
    nothing = dict.fromkeys(("metric", "step_size", "inits"))
    assert specification(with_sampler(**nothing)) == specification(with_sampler())


@pytest.mark.parametrize(("key", "value"), KEYS)
def test_keys_that_are_set_are_in_the_identity_and_in_every_attempt(key, value):
    set_to = with_sampler(**{key: value})
    found = specification(set_to)
    assert found["identity"] != specification(with_sampler())["identity"]
    assert found["sampler"][key] == value
    study = make_study(set_to, ("rescue", [{"adapt_delta": 0.99}]))
    assert [attempt[key] for attempt in study.attempts] == [value, value]
    json.dumps(found)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"metric": "dense"}, "sampler.metric: got 'dense', must be one of 'diag_e' or 'dense_e'"),
        ({"step_size": 0}, "sampler.step_size: got 0, must be above 0"),
        ({"inits": -1}, "sampler.inits: got -1, must be a radius of at least 0"),
        ({"inits": True}, "sampler.inits: got True, must be a radius"),
        ({"inits": "random"}, "sampler.inits: got 'random', must be a radius"),
        ({"inits": {}}, "sampler.inits: got {}, must be a radius"),
        ({"inits": {"x": "1"}}, "sampler.inits: got '1' for x, must be numbers"),
        ({"inits": {"x": [[1], [1, 2]]}}, r"sampler.inits: got [[1], [1, 2]] for x"),
        ({"inits": {"x": float("inf")}}, "sampler.inits: got inf for x, must be numbers"),
        ({"inits": {1: 1}}, "sampler.inits: got the key 1, must be a parameter"),
        ({"inits": float("nan")}, "sampler.inits: got nan, must be a radius"),
        ({"thin": 2}, "sampler: got the key 'thin', must not be there: every draw is kept"),
        ({"thinning": 2}, "sampler: got the key 'thinning', must not be there"),
    ],
)
def test_what_cannot_be_is_refused(keys, message):
    with pytest.raises(StudyError) as refused:
        make_study(with_sampler(**keys))
    assert message in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


# Starting values, before any job


def tried(engine, inits, models=("pooled", "noncentered")):
    study = make_study(with_sampler(inits=inits), ("models", list(models)))
    preflight.try_programs(study, STAN, engine)


@pytest.mark.parametrize("engine", ["stanli", "cmdstan"])
def test_a_starting_value_of_no_parameter_is_refused(engine, cmdstan_home):
    with pytest.raises(StudyError, match=r"sampler\.inits: got 'sgma', must be one of 'free', "):
        tried(engine, {"sgma": 1})


def test_values_of_some_parameters_are_refused_for_stanli_and_taken_by_cmdstan(cmdstan_home):
    with pytest.raises(StudyError) as refused:
        tried("stanli", {"free": [0, 0, 1]}, ["noncentered"])
    told = str(refused.value)
    assert told.startswith(
        "sampler.inits: lacks 'partial', 'z' of the program noncentered: the engine stanli"
    )
    assert "engine: cmdstan" in told
    tried("cmdstan", {"partial": [0.5]}, ["noncentered"])
    tried("stanli", {"free": [0, 0, 1]}, ["pooled"])


# stanli


def sample(engine, program, **settings):
    given = {"chains": 2, "warmup": 300, "draws": 1000, "adapt_delta": 0.8, "max_treedepth": 10}
    return engine.sample(engine.load(program), {}, 1, Settings(**(given | settings)))


@pytest.fixture
def correlated(tmp_path):
    file = tmp_path / "correlated.stan"
    file.write_text(CORRELATED)
    return Program(str(file), str(tmp_path))


def test_a_dense_metric_takes_fewer_steps_of_correlated_parameters(correlated):
    stanli = engines.find("stanli")
    diagonal, dense = (
        sample(stanli, correlated, metric=metric).sampler["n_leapfrog__"].mean()
        for metric in ("diag_e", "dense_e")
    )
    assert dense < diagonal / 2  # 1 / 7 of the axes' lengths is the least of the gain


def test_stanli_starts_where_it_is_told(correlated):
    # One step that is next to none: the first draw is the start.
    x, m = [0.3, 0.2], [[1, 2, 3], [4, 5, 6]]
    still = {"warmup": 1, "draws": 4, "step_size": 1e-9, "max_treedepth": 1}
    stanli = engines.find("stanli")
    names = ["x[1]", "x[2]", "s", "m[1,1]", "m[1,2]", "m[1,3]", "m[2,1]", "m[2,2]", "m[2,3]"]
    inits = {"x": x, "s": 1.5, "m": m, "of_another_program": 1}
    found = stanli._model(stanli.load(correlated), {})
    given = stanli._optional(found, Settings(2, 1, 4, 0.8, 1, inits=inits))["inits"]
    expected = [*x, np.log(1.5), 1, 4, 2, 5, 3, 6]  # a matrix by columns
    np.testing.assert_allclose(given, expected)
    draws = sample(stanli, correlated, **still, inits=inits)
    assert set(names) == set(draws.names)


def test_values_that_cannot_be_are_a_failed_fit(correlated):
    inits = {"x": [0, 0], "s": -1, "m": np.zeros((2, 3)).tolist()}
    with pytest.raises(RuntimeError, match=r"Lower bounded variable is -1.*starting value for s"):
        sample(engines.find("stanli"), correlated, inits=inits)


@pytest.mark.parametrize("settings", [{"inits": 0}, {"inits": "pathfinder"}, {"step_size": 0.3}])
def test_stanli_takes_every_key(correlated, settings):
    draws = sample(engines.find("stanli"), correlated, **settings)
    s = draws.values[:, :, draws.names.index("s")]
    # the mean of a half-normal, sqrt(2 / pi); 0.1 is 4 errors of 500 independent draws
    assert s.mean() == pytest.approx(np.sqrt(2 / np.pi), abs=0.1)


def test_stanli_starts_at_zero_as_radius_says(correlated):
    stanli = engines.find("stanli")
    one, same = (sample(stanli, correlated, inits=0, draws=4).values for _ in range(2))
    other = sample(stanli, correlated, draws=4).values
    assert (one == same).all()
    assert (one != other).any()


# CmdStan, with the program of prophet


@pytest.fixture
def prophet(newer_cmdstan_files):
    return str(newer_cmdstan_files / "prophet_model.bin")


def data_of_prophet(rng, n=40, changes=0):
    x = rng.normal(size=n)
    flat = {"trend_indicator": 0, "tau": 1.0, "cap": np.ones(n)}
    flat |= {"S": changes, "t_change": np.linspace(0.2, 0.8, changes)}
    of_x = {"K": 2, "X": np.column_stack([x, x**2]), "sigmas": [10.0, 10.0]}
    signs = {"s_a": [1.0, 1.0], "s_m": [0.0, 0.0]}
    return {"T": n, "t": np.linspace(0, 1, n), "y": 0.3 + x, **flat, **of_x, **signs}


STILL = {"warmup": 1, "draws": 4, "step_size": 1e-9, "max_treedepth": 1}


def sample_prophet(prophet, data, **settings):
    cmdstan = engines.find("cmdstan")
    given = {"chains": 2, "warmup": 300, "draws": 200, "adapt_delta": 0.8, "max_treedepth": 10}
    loaded = cmdstan.load(Program("prophet.stan", ".", prophet))
    return cmdstan.sample(loaded, data, 1, Settings(**(given | settings)))


def arguments(monkeypatch, prophet, data, **settings):
    """Return what the executable is started with for its first chain, and its own draws."""
    asked, start = [], processes._start

    def noted(command, folder):
        asked.append(command)
        return start(command, folder)

    monkeypatch.setattr(processes, "_start", noted)
    draws = sample_prophet(prophet, data, **settings)
    return next(command for command in asked if "method=sample" in command), draws


@pytest.mark.parametrize("changes", [0, 2])
def test_cmdstan_starts_where_it_is_told(prophet, rng, changes):
    # sigma_obs is given far out, and the sampler does not move in so few and so small steps.
    inits = {"sigma_obs": 50.0, "m": 7.0, "beta": [3.0, -4.0], "of_another_program": 1}
    inits |= {"delta": [0.5, -0.5]} if changes else {}
    draws = sample_prophet(prophet, data_of_prophet(rng, changes=changes), **STILL, inits=inits)
    start = dict(zip(draws.names, draws.values[0, 0], strict=True))
    for name, value in {"m": 7, "beta[1]": 3, "beta[2]": -4, "sigma_obs": 50}.items():
        assert start[name] == pytest.approx(value, rel=0.3)
    if changes:
        assert start["delta[2]"] == pytest.approx(-0.5, abs=0.3)


@pytest.mark.parametrize("changes", [0, 2])
def test_cmdstan_starts_at_draws_of_pathfinder(prophet, rng, changes):
    data = data_of_prophet(rng, changes=changes)
    draws = sample_prophet(prophet, data, **STILL, inits="pathfinder")
    long = sample_prophet(prophet, data)
    place = draws.names.index("beta[1]")
    there = long.values[:, :, place]
    starts = draws.values[:, 0, place]
    assert np.abs(starts - there.mean()).max() < 10 * there.std()
    assert starts[0] != starts[1]


def test_cmdstan_takes_metric_step_size_and_radius(prophet, rng, monkeypatch):
    data = data_of_prophet(rng)
    keys = {"metric": "dense_e", "step_size": 0.25, "inits": 0}
    command, draws = arguments(monkeypatch, prophet, data, **keys)
    assert {"metric=dense_e", "stepsize=0.25", "init=0"} <= set(command)
    assert (draws.values != sample_prophet(prophet, data).values).any()
    command, _ = arguments(monkeypatch, prophet, data)
    assert not any(each.startswith(("metric=", "stepsize=", "init=")) for each in command)


def test_draws_become_variables_of_their_shapes():
    names = ["lp__", "a", "b[1]", "b[2]", "c[1,1]", "c[2,1]", "c[1,2]", "c[2,2]"]
    found = processes.as_variables(names, np.arange(8.0))
    assert found == {"a": 1.0, "b": [2.0, 3.0], "c": [[4.0, 6.0], [5.0, 7.0]]}
