"""CmdStan through CmdStanPy: needs a C++ compiler and an installed CmdStan."""

from __future__ import annotations

import re
import shlex
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
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

FEWEST_OF_A_PATH = 1000  # draws of each of Pathfinder's paths, from which all are resampled


@dataclass(frozen=True)
class Loaded:
    """An executable that runs here."""

    executable: str


def _common(folder: Path, data: dict, seed: int) -> list[str]:
    """The arguments of all algorithms; the data go to a file in the folder."""
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
    """The arguments that say where each chain starts; files of values go to the folder."""
    asked, chains = settings.inits, range(1, settings.chains + 1)
    if not isinstance(asked, Mapping | str):
        return [[] if asked is None else [f"init={asked}"] for _ in chains]
    starts = [asked for _ in chains]
    if asked == "pathfinder":
        one_path = ["method=pathfinder", "num_paths=1", f"num_draws={settings.chains}"]
        place = folder / "pathfinder"
        found = processes.run(loaded.executable, place, settings.chains, *common, *one_path)
        starts = [processes.as_variables(found.names, draw) for draw in found.values]
    for chain, values in zip(chains, starts, strict=True):
        cmdstanpy.write_stan_json(str(folder / f"init-{chain}.json"), stan_data.as_json(values))
    return [[f"init=../init-{chain}.json"] for chain in chains]


def _log_ratios(folder: Path, draws: int) -> np.ndarray:
    """Log density less that of its approximation, at the draws of every path that succeeded."""
    parts = []
    for file in sorted(folder.glob("*_path_*.csv")):
        try:
            path = processes.read_csv(file, draws)
        except ValueError:  # a path that failed; Pathfinder goes on without it
            continue
        density, approximation = (path.names.index(name) for name in ("lp__", "lp_approx__"))
        parts.append(path.values[:, density] - path.values[:, approximation])
    return np.concatenate(parts) if parts else np.array([])


def _of_the_program(names: list[str]) -> list[bool]:
    """Which columns are the program's own, not its algorithm's."""
    return [not name.endswith("__") for name in names]


def _share_of_warmup(chains: list[processes.Output]) -> float:
    """The share of a fit's time that warmup took, by what CmdStan says of each chain."""
    comments = "\n".join(chain.comments for chain in chains)
    warmup, total = (
        sum(map(float, re.findall(rf"([\d.e+-]+) seconds \({phase}\)", comments)))
        for phase in ("Warm-up", "Total")
    )
    return warmup / total if total else 0.5


class CmdStan:
    """The engine; its methods are described in the protocol."""

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
            found = processes.version(program.compiled, Path(folder))
        wanted = re.match(r"\d+\.\d+\.\d+", program.version or "")
        if wanted and found and wanted[0] != found:
            raise MachineError(
                f"{program.compiled}: is of CmdStan {found}, must be of {program.version}; "
                f"have it compiled again with\nrm {shlex.quote(program.compiled)}"
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
        inside = _of_the_program(names)
        return Draws(
            names=[name for name, keep in zip(names, inside, strict=True) if keep],
            values=values[:, :, inside],
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
                asked = [f"method={name}", *map(str, arguments)]
                return processes.run(loaded.executable, folder / name, n_draws, *common, *asked)

            if algorithm == "pathfinder":
                each = max(draws, FEWEST_OF_A_PATH)
                numbers = (f"num_draws={each}", f"num_psis_draws={draws}", "save_single_paths=1")
                found = run(algorithm, draws, *numbers)
                ratios = _log_ratios(folder / algorithm, each)
            else:
                found = run("optimize", 1, "jacobian=1", f"iter={MOST_ITERATIONS}")
            if algorithm == "laplace":
                mode = "mode=../optimize/optimize.csv"
                found = run(algorithm, draws, mode, "jacobian=1", f"draws={draws}")
        inside = _of_the_program(found.names)
        names = [name for name, keep in zip(found.names, inside, strict=True) if keep]
        return Approximation(names, found.values[:, inside], children_seconds() - started, ratios)


ENGINE: CompilingEngine = CmdStan()
