"""CmdStan through CmdStanPy: needs a C++ compiler and an installed CmdStan."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import cmdstanpy
import numpy as np

from recovery.common.errors import MachineError
from recovery.common.os_resources import children_seconds
from recovery.engines import stan_data
from recovery.engines.cmdstan import compiler, processes
from recovery.engines.protocol import (
    MOST_ITERATIONS,
    SAMPLER_COLUMNS,
    Approximation,
    CompilingEngine,
    Draws,
    Program,
    Settings,
)

FEWEST_OF_A_PATH = 1000  # draws of each of Pathfinder's paths; the result is resampled from all


@dataclass(frozen=True)
class Loaded:
    """An executable that was checked to run here."""

    executable: str


def _common(folder: Path, data: dict, seed: int) -> list[str]:
    """The arguments of all algorithms; write the data to a file in the folder."""
    file = folder / "data.json"
    cmdstanpy.write_stan_json(str(file), stan_data.as_json(data))
    return ["random", f"seed={seed}", "data", "file=../data.json"]


def _of_sampler(settings: Settings) -> list[str]:
    """The arguments of the sampler."""
    return [
        "method=sample",
        f"num_samples={settings.draws}",
        f"num_warmup={settings.warmup}",
        "algorithm=hmc",
        *([f"stepsize={settings.step_size}"] if settings.step_size is not None else []),
        *([f"metric={settings.metric}"] if settings.metric is not None else []),
        "engine=nuts",
        f"max_depth={settings.max_treedepth}",
        "adapt",
        "engaged=1",
        f"delta={settings.adapt_delta}",
    ]


def _inits(loaded: Loaded, folder: Path, common: list[str], settings: Settings) -> list[list[str]]:
    """The arguments that give each chain's initial values; write them to files in the folder."""
    inits, chains = settings.inits, range(1, settings.chains + 1)
    if not isinstance(inits, Mapping | str):
        return [[] if inits is None else [f"init={inits}"] for _ in chains]
    starts = [inits for _ in chains]
    if inits == "pathfinder":
        one_path = ["method=pathfinder", "num_paths=1", f"num_draws={settings.chains}"]
        subfolder = folder / "pathfinder"
        output = processes.run(loaded.executable, subfolder, settings.chains, *common, *one_path)
        starts = [processes.as_variables(output.names, draw) for draw in output.values]
    for chain, values in zip(chains, starts, strict=True):
        cmdstanpy.write_stan_json(str(folder / f"init-{chain}.json"), stan_data.as_json(values))
    return [[f"init=../init-{chain}.json"] for chain in chains]


def _log_ratios(folder: Path, draws: int) -> np.ndarray:
    """Log density minus log density of the approximation, at the draws of all paths that ran."""
    parts = []
    for file in sorted(folder.glob("*_path_*.csv")):
        try:
            path = processes.read_csv(file, draws)
        except ValueError:  # a path that failed: Pathfinder leaves it out
            continue
        density, approximation = (path.names.index(name) for name in ("lp__", "lp_approx__"))
        parts.append(path.values[:, density] - path.values[:, approximation])
    return np.concatenate(parts) if parts else np.array([])


def _of_the_program(names: list[str]) -> list[bool]:
    """Which columns are of the program, not of the algorithm."""
    return [not name.endswith("__") for name in names]


def _share_of_warmup(chains: list[processes.Output]) -> float:
    """The share of a fit's time that warmup took, from the times that CmdStan reports."""
    comments = "\n".join(chain.comments for chain in chains)
    warmup, total = (
        sum(map(float, re.findall(rf"([\d.e+-]+) seconds \({phase}\)", comments)))
        for phase in ("Warm-up", "Total")
    )
    return warmup / total if total else 0.5


class CmdStan:
    """The engine CmdStan."""

    COMPILES = True
    ALGORITHMS: tuple[str, ...] = ("optimize", "laplace", "pathfinder")
    SOME_INITS = True

    version = staticmethod(compiler.version)
    check = staticmethod(compiler.check)
    parameters = staticmethod(compiler.parameters)
    build = staticmethod(compiler.build)
    check_tools = staticmethod(compiler.check_tools)
    compile_program = staticmethod(compiler.compile_program)

    def load(self, program: Program) -> Loaded:
        """Check the executable; MachineError if it does not run, or is of another CmdStan."""
        with tempfile.TemporaryDirectory() as folder:
            version = processes.version(program.compiled, Path(folder))
        expected = re.match(r"\d+\.\d+\.\d+", program.version or "")
        if expected and version and expected[0] != version:
            raise MachineError(
                f"{program.compiled}: is of CmdStan {version}, must be of {program.version}; "
                "remove it, and the next run compiles it again:\n"
                f"rm {shlex.quote(program.compiled)}"
            )
        return Loaded(program.compiled)

    def sample(self, loaded: Loaded, data: dict, seed: int, settings: Settings) -> Draws:
        """Fit the program to the data; RuntimeError with Stan's message if that fails."""
        started = children_seconds()
        with tempfile.TemporaryDirectory() as folder:
            common = _common(Path(folder), data, seed)
            arguments = _of_sampler(settings)
            inits = _inits(loaded, Path(folder), common, settings)
            chains = [
                processes.run(
                    loaded.executable,
                    Path(folder, str(chain)),
                    settings.draws,
                    f"id={chain}",
                    *common,
                    *inits[chain - 1],
                    *arguments,
                )
                for chain in range(1, settings.chains + 1)
            ]
        spent = children_seconds() - started
        share = _share_of_warmup(chains)
        names, values = chains[0].names, np.stack([chain.values for chain in chains])
        keep = _of_the_program(names)
        return Draws(
            names=list(compress(names, keep)),
            values=values[:, :, keep],
            sampler={name: values[:, :, names.index(name)] for name in SAMPLER_COLUMNS},
            warmup_seconds=spent * share,
            sampling_seconds=spent * (1 - share),
        )

    def approximate(
        self, loaded: Loaded, data: dict, seed: int, algorithm: str, draws: int
    ) -> Approximation:
        """Run one of `ALGORITHMS`; RuntimeError with Stan's message if that fails."""
        started = children_seconds()
        with tempfile.TemporaryDirectory() as made:
            folder, ratios = Path(made), None
            common = _common(folder, data, seed)

            def run(name: str, n_draws: int, *arguments: Any) -> processes.Output:
                method = [f"method={name}", *map(str, arguments)]
                return processes.run(loaded.executable, folder / name, n_draws, *common, *method)

            if algorithm == "pathfinder":
                of_a_path = max(draws, FEWEST_OF_A_PATH)
                numbers = (
                    f"num_draws={of_a_path}",
                    f"num_psis_draws={draws}",
                    "save_single_paths=1",
                )
                output = run(algorithm, draws, *numbers)
                ratios = _log_ratios(folder / algorithm, of_a_path)
            else:
                output = run("optimize", 1, "jacobian=1", f"iter={MOST_ITERATIONS}")
            if algorithm == "laplace":
                mode = "mode=../optimize/optimize.csv"
                output = run(algorithm, draws, mode, "jacobian=1", f"draws={draws}")
        keep = _of_the_program(output.names)
        names = list(compress(output.names, keep))
        return Approximation(names, output.values[:, keep], children_seconds() - started, ratios)


ENGINE: CompilingEngine = CmdStan()
