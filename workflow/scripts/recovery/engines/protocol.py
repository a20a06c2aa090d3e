"""The protocol that engines meet, and the types of what they take and return."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from recovery.engines.includes import folders_of

SAMPLER_COLUMNS = ("lp__", "divergent__", "treedepth__", "n_leapfrog__", "energy__")

MOST_ITERATIONS = 10_000  # of optimisers
_UNREADABLE = (
    "processing stage=data initialization|unknown data variable|string values not allowed"
    "|Error in JSON parsing|variable does not exist"
)


class DataError(RuntimeError):
    """The data lack a variable of the program, or one has the wrong shape or type."""


def error_of_fit(message: str) -> RuntimeError:
    """Return the error of a fit: a DataError if Stan could not read the data."""
    kind = DataError if re.search(_UNREADABLE, message) else RuntimeError
    return kind(message)


@dataclass(frozen=True)
class Draws:
    """The draws of one fit, without warmup.

    Parameters
    ----------
    names : list of str, length n_columns
        Stan's names with brackets, `beta[1]`.
    values : ndarray, shape (n_chains, n_draws, n_columns)
    sampler : dict of ndarray, each of shape (n_chains, n_draws)
        An array for each of `SAMPLER_COLUMNS`.
    warmup_seconds, sampling_seconds : float
        Processor seconds, summed over chains.
    """

    names: list[str]
    values: np.ndarray
    sampler: dict[str, np.ndarray]
    warmup_seconds: float
    sampling_seconds: float


@dataclass(frozen=True)
class Approximation:
    """The result of an algorithm that approximates a posterior without the sampler.

    Parameters
    ----------
    names : list of str, length n_columns
        Stan's names with brackets.
    values : ndarray, shape (n_draws, n_columns)
        Draws from the approximation; for an optimiser one row, the mode.
    seconds : float
        Processor seconds.
    log_ratios : ndarray, optional
        Pathfinder only: log density minus log density of the approximation, at all draws of
        all paths.
    """

    names: list[str]
    values: np.ndarray
    seconds: float
    log_ratios: np.ndarray | None = None


@dataclass(frozen=True)
class Settings:
    """How one fit is sampled; None means Stan's default.

    Parameters
    ----------
    metric : {"diag_e", "dense_e"}
    inits : float, "pathfinder" or mapping
        A radius on the unconstrained scale, or values of parameters on their constrained scale.
    """

    chains: int
    warmup: int
    draws: int
    adapt_delta: float
    max_treedepth: int
    metric: str | None = None
    step_size: float | None = None
    inits: Any = None


@dataclass(frozen=True)
class Program:
    """A Stan program: its file, the folder of its includes and, once compiled, its executable.

    `version` is the version of the engine that must have made the executable, if known.
    """

    path: str
    include: str
    executable: str | None = None
    version: str | None = None

    @property
    def compiled(self) -> str:
        """The executable; ValueError if there is none."""
        if self.executable is None:
            raise ValueError(f"{self.path}: has no executable")
        return self.executable

    @property
    def folders(self) -> tuple[str, str]:
        """The folders that are searched for its includes."""
        return folders_of(self.path, self.include)


class Engine(Protocol):
    """What every engine can do."""

    COMPILES: bool  # whether a program must be compiled to an executable before `load`
    ALGORITHMS: tuple[str, ...]  # which of `study.methods.ALGORITHMS` it has
    SOME_INITS: bool  # whether initial values of only some parameters are allowed

    def version(self) -> str:
        """Return the version of the engine; EngineError if it is not installed."""

    def check(self, program: Program, data: dict) -> None:
        """Raise EngineError if the engine cannot compile or run the program.

        Raise StudyError if the data are not what the program declares.
        """

    def parameters(self, program: Program, data: dict) -> list[str]:
        """Return the names of a program's parameters; EngineError if it does not compile."""

    def load(self, program: Program) -> Any:
        """Return what `sample` needs of a program, made once for many fits."""

    def sample(self, loaded: Any, data: dict, seed: int, settings: Settings) -> Draws:
        """Fit the program to the data; RuntimeError with Stan's message if that fails.

        It is a DataError if Stan cannot read the data. MachineError if every fit would fail.
        """

    def approximate(
        self, loaded: Any, data: dict, seed: int, algorithm: str, draws: int
    ) -> Approximation:
        """Run one of `ALGORITHMS`; RuntimeError with Stan's message if that fails.

        The mode is that of the density on the unconstrained scale, where Laplace's
        approximation is centred.
        """


class LogDensity(Protocol):
    """The log density of a program given its data, on the unconstrained scale."""

    def unconstrained(self, names: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Return draws, shape (n_draws, n_columns), on the unconstrained scale."""

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density at a point, and its gradient; -infinity and 0 if not finite."""


class DensityEngine(Engine, Protocol):
    """An engine that computes log densities; it runs every shipped program."""

    def log_density(self, loaded: Any, data: dict) -> LogDensity:
        """Return the log density of a program given its data."""


class CompilingEngine(Engine, Protocol):
    """An engine whose programs are compiled to executables."""

    def build(self) -> list[str]:
        """Return everything but the program that decides an executable."""

    def check_tools(self) -> None:
        """Raise EngineError if a program cannot be compiled here."""

    def compile_program(self, program: Program) -> None:
        """Compile the program to its executable; EngineError if that fails."""
