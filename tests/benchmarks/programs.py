"""Smallest bulk ESS a processor second of every program, at several sizes, side by side."""

import tempfile
from dataclasses import replace

import numpy as np
from common import SAMPLER, STAN, Row, datasets, stan_data

from recovery import engines, families
from recovery.common.errors import EngineError
from recovery.engines.protocol import Program, Settings
from recovery.fit import posterior

LINES = families.find("multilevel_linear")

SIZES = {(12, 8): 5, (30, 20): 5, (100, 50): 2}  # participants, observations: datasets
SIZES_OF_FORMULAS = {(30, 20): 3, (100, 50): 1}
FORMULAS = (  # with one grouping factor, besides the default one
    "y ~ x1 + (1 | participant)",
    "y ~ x1 + (x1 || participant)",
    "y ~ x1 + x2 + (x1 + x2 | participant)",
    "y ~ x1 + x2 + x3 + (x1 + x2 + x3 | participant)",
    "y ~ condition * x1 + (condition | participant)",
)
MULTILEVEL = ("centered", "noncentered", "marginal")
SETTINGS = Settings(**SAMPLER, adapt_delta=0.8, max_treedepth=10)


def measure() -> list[Row]:
    """Measure both engines, CmdStan where it is installed."""
    rows = [*_of_engine("stanli"), *_of_formulas()]
    try:
        engines.find("cmdstan").version()
    except EngineError:
        return [*rows, Row("programs", "cmdstan", "not installed", float("nan"), "")]
    return rows + _of_engine("cmdstan")


def _of_engine(name: str) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        loaded = {model: _loaded(name, LINES, model, folder) for model in LINES.MODELS}
        for size, number in SIZES.items():
            columns = datasets(*size, number)
            rates = _rates(engines.find(name), LINES, loaded, columns, stan_data)
            case = f"{name}, {size[0]} x {size[1]}"
            rows += [
                Row("programs", f"{case}, {m}", "ESS", r, "a second") for m, r in rates.items()
            ]
            rows += _gains(case, rates)
    return rows


def _of_formulas() -> list[Row]:
    """The gain of `marginal` for other formulas with one grouping factor, under stanli."""
    rows = []
    for formula in FORMULAS:
        family = _family(formula)
        loaded = {model: _loaded("stanli", family, model, "") for model in MULTILEVEL}
        prior = _prior(family)
        for size, number in SIZES_OF_FORMULAS.items():
            rng = np.random.default_rng(1)
            columns = [family.simulate(_truth(family), *size, rng)[0] for _ in range(number)]
            rates = _rates(
                engines.find("stanli"),
                family,
                loaded,
                columns,
                lambda one, model, family=family, prior=prior: family.stan_data(one, prior, model),
            )
            case = f"stanli, {size[0]} x {size[1]}, {formula}"
            rows.append(Row("programs", f"{case}, marginal", "ESS", rates["marginal"], "a second"))
            rows += _gains(case, rates)
    return rows


def _family(formula: str):
    covariates = {name: {"normal": [0, 1]} for name in ("x1", "x2", "x3") if name in formula}
    condition = {"condition": {"levels": ["a", "b"], "within": "participant"}}
    return families.find(
        {
            "name": "multilevel_linear",
            "formula": formula,
            "design": covariates | (condition if "condition" in formula else {}),
        }
    )


def _truth(family):
    """Intercepts differ more than slopes, as in the other benchmarks."""
    (block,) = family.layout.blocks
    sd = {name: 1.0 if name == "Intercept" else 0.5 for name in block.coefficients}
    return family.Truth(
        b=dict.fromkeys(family.layout.coefficients, 0.5),
        sd={"participant": sd},
        sigma=1.0,
        **({"cor": {"participant": 0.3}} if family.layout.cor else {}),
    )


def _prior(family):
    classes = {"Intercept": "normal(0, 1)", "b": "normal(0, 1)", "sd": "exponential(1)"}
    cor = {"cor": "lkj(2)"} if family.layout.cor else {}
    return family.Prior(**classes, **cor, sigma="exponential(1)")


def _loaded(name: str, family, model: str, folder: str):
    engine = engines.find(name)
    program = Program(str(family.program(model, STAN)), str(STAN), f"{folder}/{model}")
    if engine.COMPILES:
        engine.compile_program(program)
    return engine.load(program)


def _rates(engine, family, loaded: dict, columns: list, data_of) -> dict[str, float]:
    """ESS a second of every program on the same datasets, one after another within each."""
    ess, seconds = dict.fromkeys(loaded, 0.0), dict.fromkeys(loaded, 0.0)
    for seed, dataset in enumerate(columns, start=1):
        for model, program in loaded.items():
            draws = engine.sample(program, data_of(dataset, model), seed, SETTINGS)
            draws = replace(draws, names=family.parameter_names(draws.names, dataset))
            found = posterior.convergence(draws, family.MODELS[model].scored)
            ess[model] += found["ess_bulk"][:-1].min()
            seconds[model] += draws.warmup_seconds + draws.sampling_seconds
    return {model: ess[model] / seconds[model] for model in loaded}


def _gains(case: str, rates: dict[str, float]) -> list[Row]:
    """How much faster `marginal` is than the other programs with the same posterior."""
    return [
        Row("programs", case, f"marginal over {other}", rates["marginal"] / rates[other], "x")
        for other in ("noncentered", "centered")
    ]
