"""The embedded engine: Stan programs without a compiler (PyPI's `stanli`)."""

from __future__ import annotations

import contextlib
import io
import json
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
import stanli

from recovery.common.errors import EngineError
from recovery.engines import declarations, stan_data
from recovery.engines.protocol import (
    MOST_ITERATIONS,
    SAMPLER_COLUMNS,
    Approximation,
    Draws,
    Engine,
    Program,
    Settings,
    error_of_fit,
)


@dataclass(frozen=True)
class Loaded:
    """A program compiled to stanli's intermediate form."""

    program: str
    intermediate: str


class LogDensity:
    """The log density of a program given its data, on the unconstrained scale."""

    def __init__(self, model: stanli.Model):
        self._model = model
        self._parameters = _parameters(model)

    def unconstrained(self, names: Sequence[str], values: np.ndarray) -> np.ndarray:
        """Return draws on the unconstrained scale.

        Parameters
        ----------
        names : sequence of str, length n_columns
            The columns of a fit's draws, those of all parameters among them.
        values : ndarray, shape (n_draws, n_columns)

        Returns
        -------
        ndarray, shape (n_draws, n_unconstrained)
            A draw that was rounded to a bound of a parameter is NaN.
        """
        columns = {
            parameter: values[:, own].tolist()
            for parameter in self._parameters
            if (own := [k for k, name in enumerate(names) if name.startswith(f"{parameter}[")])
        }
        columns |= {name: values[:, names.index(name)].tolist() for name in self._scalars(names)}
        empty: dict[str, list] = {name: [] for name in self._parameters if name not in columns}
        points = np.full((len(values), self._model.n_unconstrained), np.nan)
        for row, point in enumerate(points):
            draw = empty | {name: column[row] for name, column in columns.items()}
            with contextlib.suppress(ValueError):
                point[:] = self._model.unconstrain(json.dumps(draw))
        return points

    def _scalars(self, names: Sequence[str]) -> list[str]:
        return [name for name in self._parameters if name in names]

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density at a point, and its gradient; -infinity and 0 if not finite."""
        with contextlib.suppress(RuntimeError):
            value, gradient = self._model.log_prob_grad(point)
            if np.isfinite(value) and np.isfinite(gradient).all():
                return value, gradient
        return -np.inf, np.zeros(point.size)


def _parameters(model: stanli.Model) -> list[str]:
    """The names of the parameters, from the errors of stanli, which asks for one after another."""
    named: dict[str, Any] = {}
    while True:
        try:
            model.unconstrain(named)
        except ValueError as error:
            if missing := re.search(r"no starting value for parameter (\w+)", str(error)):
                named[missing[1]] = 0.0
                continue
            if short := re.search(r"(\w+) needs (\d+) starting values", str(error)):
                named[short[1]] = [0.0] * int(short[2])
                continue
        return list(named)


def _seconds(report: str, total: float) -> tuple[float, float]:
    """Split the processor time of a fit by the wall times that stanli reports for its phases."""
    warmup = sum(map(float, re.findall(r"([\d.]+) seconds \(Warm-up\)", report)))
    sampling = sum(map(float, re.findall(r"([\d.]+) seconds \(Sampling\)", report)))
    share = warmup / (warmup + sampling) if warmup + sampling > 0 else 0.5
    return total * share, total * (1 - share)


class Stanli:
    """The engine stanli."""

    COMPILES = False
    ALGORITHMS: tuple[str, ...] = ("optimize",)
    SOME_INITS = False

    def version(self) -> str:
        """Return the version of stanli."""
        return installed_version("stanli")

    def check(self, program: Program, data: dict) -> None:
        """Raise EngineError if stanli cannot compile or run the program."""
        loaded = self.load(program)
        data = stan_data.checked_data(data, declarations.of_program(program))
        try:
            self._model(loaded, data)
        except RuntimeError as error:
            raise EngineError(f"{program.path}: does not fit its data: {error}") from None

    def parameters(self, program: Program, data: dict) -> list[str]:
        """Return the names of a program's parameters."""
        return _parameters(self._model(self.load(program), data))

    def load(self, program: Program) -> Loaded:
        """Compile a program; EngineError with Stan's message and the file if that fails."""
        source = Path(program.path).read_text(encoding="utf-8")
        try:
            return Loaded(program.path, stanli.stan_to_mir(source, include_paths=program.folders))
        except RuntimeError as error:
            raise EngineError(f"{program.path}: does not compile:\n{error}") from None

    def sample(self, loaded: Loaded, data: dict, seed: int, settings: Settings) -> Draws:
        """Fit the program to the data; RuntimeError with Stan's message if that fails."""
        started = time.process_time()
        report = io.StringIO()
        model = self._model(loaded, data)
        with contextlib.redirect_stdout(report):
            fit = model.sample(
                chains=settings.chains,
                seed=seed,
                warmup=settings.warmup,
                samples=settings.draws,
                delta=settings.adapt_delta,
                max_depth=settings.max_treedepth,
                parallel_chains=1,
                refresh=settings.warmup + settings.draws,
                **self._optional(model, settings),
            )
        warmup, sampling = _seconds(report.getvalue(), time.process_time() - started)
        columns = stanli.SAMPLER_COLUMNS
        return Draws(
            names=fit.names,
            values=fit.draws(),
            sampler={
                name: fit.sampler_stats[:, :, columns.index(name)] for name in SAMPLER_COLUMNS
            },
            warmup_seconds=warmup,
            sampling_seconds=sampling,
        )

    def approximate(
        self, loaded: Loaded, data: dict, seed: int, algorithm: str, draws: int
    ) -> Approximation:
        """Find the mode, the only approximation of stanli; RuntimeError if that fails."""
        started = time.process_time()
        mode = self._model(loaded, data).optimize(seed=seed, iter=MOST_ITERATIONS)
        values = np.array([list(mode.values())])
        return Approximation(list(mode), values, time.process_time() - started)

    def log_density(self, loaded: Loaded, data: dict) -> LogDensity:
        """Return the log density of a program given its data, checked as for `sample`."""
        return LogDensity(self._model(loaded, data))

    def _model(self, loaded: Loaded, data: dict) -> stanli.Model:
        """Bind data to a program; EngineError if stanli warns that it lacks a function.

        Raises
        ------
        RuntimeError
            With Stan's message; a DataError if the data cannot be read.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            try:
                return stanli.Model(mir=loaded.intermediate, data=stan_data.as_json(data))
            except RuntimeError as error:
                raise error_of_fit(str(error)) from None
            except RuntimeWarning as warning:
                raise EngineError(
                    f"{loaded.program}: stanli cannot run all of this program: {warning}\n"
                    "Set `engine: cmdstan` in the study, or remove the function."
                ) from None

    def _optional(self, model: stanli.Model, settings: Settings) -> dict[str, Any]:
        """The settings that are given; RuntimeError if the initial values are impossible."""
        tuning = {"metric": settings.metric, "step_size": settings.step_size}
        given = {name: value for name, value in tuning.items() if value is not None}
        if settings.inits == "pathfinder":
            return given | {"pathfinder_init": {}}
        if not isinstance(settings.inits, Mapping):
            return given if settings.inits is None else given | {"init_radius": settings.inits}
        # stanli reads values with the first index fastest.
        values = {
            name: np.ravel(settings.inits[name], order="F").tolist()
            if np.ndim(settings.inits[name])
            else settings.inits[name]
            for name in _parameters(model)
            if name in settings.inits
        }
        try:
            return given | {"inits": model.unconstrain(values)}
        except ValueError as error:
            raise RuntimeError(str(error)) from None


ENGINE: Engine = Stanli()
