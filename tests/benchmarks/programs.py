"""Smallest bulk ESS a processor second of every program, at three sizes, side by side."""

import tempfile
from dataclasses import replace

from common import SAMPLER, STAN, Row, datasets, stan_data

from recovery import engines, families
from recovery.common.errors import EngineError
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

family = families.find("multilevel_linear")

SIZES = {(12, 8): 5, (30, 20): 5, (100, 50): 2}  # participants, observations: datasets
SETTINGS = Settings(**SAMPLER, adapt_delta=0.8, max_treedepth=10)


def measure() -> list[Row]:
    """Measure both engines, CmdStan where it is installed."""
    rows = _of_engine("stanli")
    try:
        engines.find("cmdstan").version()
    except EngineError:
        return [*rows, Row("programs", "cmdstan", "not installed", float("nan"), "")]
    return rows + _of_engine("cmdstan")


def _of_engine(name: str) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        loaded = {model: _loaded(name, model, folder) for model in family.MODELS}
        for size, number in SIZES.items():
            rows += _at_size(name, loaded, size, number)
    return rows


def _loaded(name: str, model: str, folder: str):
    engine = engines.find(name)
    source = STAN / "multilevel_linear" / f"{model}.stan"
    program = Program(str(source), str(STAN), f"{folder}/{model}")
    if engine.COMPILES:
        engine.compile_program(program)
    return engine.load(program)


def _at_size(name: str, loaded: dict, size: tuple[int, int], number: int) -> list[Row]:
    """Every program on the same datasets, one after another within each dataset."""
    engine = engines.find(name)
    ess, seconds = dict.fromkeys(loaded, 0.0), dict.fromkeys(loaded, 0.0)
    for seed, columns in enumerate(datasets(*size, number), start=1):
        for model, program in loaded.items():
            draws = engine.sample(program, stan_data(columns, model), seed, SETTINGS)
            draws = replace(draws, names=family.parameter_names(draws.names, columns))
            found = posterior.convergence(draws, family.MODELS[model].scored)
            ess[model] += found["ess_bulk"][:-1].min()
            seconds[model] += draws.warmup_seconds + draws.sampling_seconds
    rate = {model: ess[model] / seconds[model] for model in loaded}
    case = f"{name}, {size[0]} x {size[1]}"
    rows = [Row("programs", f"{case}, {m}", "ESS", value, "a second") for m, value in rate.items()]
    for other in ("noncentered", "centered"):
        gain = rate["marginal"] / rate[other]
        rows.append(Row("programs", case, f"marginal over {other}", gain, "x"))
    return rows
