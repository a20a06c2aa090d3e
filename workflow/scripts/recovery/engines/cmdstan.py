"""CmdStan through CmdStanPy: needs a C++ compiler and an installed CmdStan."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

import cmdstanpy
import numpy as np

from recovery import declarations, stan_data
from recovery.engines.base import (
    MOST_ITERATIONS,
    SAMPLER_COLUMNS,
    Approximation,
    Draws,
    EngineError,
    Program,
    Settings,
)
from recovery.engines.json_values import plain

COMPILES = True
ALGORITHMS = ("optimize", "laplace", "pathfinder")
FEWEST_OF_A_PATH = 1000  # draws of each of Pathfinder's paths, from which all are resampled
MISSING = """engine: got 'cmdstan', but CmdStan is not installed. Install it one of these ways:
  conda env create -f environment.yml                      (brings CmdStan along)
  .venv/bin/python -m cmdstanpy.install_cmdstan            (needs make and a C++ compiler)
or name its folder in the environment variable CMDSTAN, or set `engine: stanli`."""

cmdstanpy.disable_logging()


def _home() -> Path:
    """The folder of the installed CmdStan."""
    try:
        return Path(cmdstanpy.cmdstan_path())
    except ValueError:
        raise EngineError(MISSING) from None


def version() -> str:
    """Return the version of the installed CmdStan; EngineError if there is none."""
    makefile = (_home() / "makefile").read_text(encoding="utf-8")
    found = re.search(r"^CMDSTAN_VERSION\s*:?=\s*(\S+)", makefile, re.MULTILINE)
    return found[1] if found else "unknown"


def check(program: Program, data: dict) -> None:
    """Raise EngineError with stanc's message if the program does not compile."""
    stanc, include = _home() / "bin" / "stanc", ",".join(program.folders)
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [stanc, f"--include-paths={include}", f"--o={folder}/out.hpp", program.path],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise EngineError(f"{program.path}: does not compile:\n{done.stderr or done.stdout}")
    stan_data.held(data, declarations.of_program(program))


def compile_program(program: Program) -> None:
    """Compile the program to its executable, in a temporary folder, then put it in its place."""
    with tempfile.TemporaryDirectory() as folder:
        source = shutil.copy(program.path, folder)
        include = [str(Path(each).resolve()) for each in program.folders]
        try:
            built = cmdstanpy.compile_stan_file(source, stanc_options={"include-paths": include})
        except ValueError as error:
            raise EngineError(f"{program.path}: does not compile:\n{error}") from None
        beside = f"{program.executable}.{os.getpid()}"
        shutil.move(built, beside)  # perhaps from another file system, which takes a while
        Path(beside).replace(program.executable)


def load(program: Program) -> cmdstanpy.CmdStanModel:
    """Take the compiled executable."""
    return cmdstanpy.CmdStanModel(exe_file=program.executable)


def sample(loaded: cmdstanpy.CmdStanModel, data: dict, seed: int, settings: Settings) -> Draws:
    """Fit the program to the data; RuntimeError with Stan's message if that fails."""
    started = _children_seconds()
    with tempfile.TemporaryDirectory() as folder:
        try:
            fit = loaded.sample(
                data=plain(data),
                chains=settings.chains,
                parallel_chains=1,
                seed=seed,
                iter_warmup=settings.warmup,
                iter_sampling=settings.draws,
                adapt_delta=settings.adapt_delta,
                max_treedepth=settings.max_treedepth,
                sig_figs=16,
                show_progress=False,
                output_dir=folder,
            )
        except RuntimeError as error:
            raise RuntimeError(_once(str(error))) from None
        values = np.swapaxes(fit.draws(), 0, 1)
        phases = fit.time
    names = list(fit.column_names)
    inside = [name not in SAMPLER_COLUMNS and not name.endswith("__") for name in names]
    warmup = sum(chain["warmup"] for chain in phases)
    total = sum(chain["total"] for chain in phases)
    spent = _children_seconds() - started
    return Draws(
        names=[name for name, keep in zip(names, inside, strict=True) if keep],
        values=values[:, :, inside],
        sampler={name: values[:, :, names.index(name)] for name in SAMPLER_COLUMNS},
        warmup_seconds=spent * warmup / total if total else spent / 2,
        sampling_seconds=spent * (1 - warmup / total) if total else spent / 2,
    )


def approximate(
    loaded: cmdstanpy.CmdStanModel, data: dict, seed: int, algorithm: str, draws: int
) -> Approximation:
    """Run one of `ALGORITHMS`; RuntimeError with Stan's message if that fails."""
    started = _children_seconds()
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        asked = {"data": plain(data), "seed": seed, "sig_figs": 16}
        try:
            if algorithm == "pathfinder":
                fit = loaded.pathfinder(
                    **asked,
                    draws=draws,
                    num_single_draws=max(draws, FEWEST_OF_A_PATH),
                    num_threads=1,
                    output_dir=first,
                )
                values = fit.draws()
            else:
                fit = loaded.optimize(
                    **asked, jacobian=True, iter=MOST_ITERATIONS, output_dir=first
                )
                values = fit.optimized_params_np[None, :]
            if algorithm == "laplace":  # files of one second have one name: another folder
                fit = loaded.laplace_sample(**asked, mode=fit, draws=draws, output_dir=second)
                values = fit.draws()
        except (RuntimeError, ValueError) as error:
            raise RuntimeError(_once(_after_settings(str(error)))) from None
    inside = [not name.endswith("__") for name in fit.column_names]
    names = [name for name, keep in zip(fit.column_names, inside, strict=True) if keep]
    return Approximation(names, values[:, inside], _children_seconds() - started)


def _after_settings(message: str) -> str:
    """The message without CmdStan's list of all its settings, where it has one."""
    return message.rpartition("num_threads = ")[2].partition("\n")[2].strip() or message


def _once(message: str) -> str:
    """The message without the lines that stand in it again, for every chain and trial."""
    return "\n".join(dict.fromkeys(message.splitlines()))


def _children_seconds() -> float:
    """Processor seconds of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
