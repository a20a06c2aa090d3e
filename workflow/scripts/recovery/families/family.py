"""What a family is: all that the rest of the library asks of one kind of data.

Everything above `families/` reaches a parameter, a column or a hyperparameter only through
this. A shipped family is a subclass of `Family`; `own` makes a researcher's own file one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from recovery.common.types import Frozen

MOST_ROWS = 10_000_000  # of one dataset

Columns = dict[str, np.ndarray]
"""A table as its columns; all have one length."""

Values = dict[str, float]
"""Numbers by parameter name, with Stan's brackets: `{"beta[1]": 0.2, ...}`."""


Given = Any
"""An instance of a family's own Truth, Prior, Design or ObservedColumns: it knows its fields."""

Unit = Literal["observation", "participant"]
"""What is left out of the data, to be predicted."""


@dataclass(frozen=True)
class Model:
    """A Stan program of a family.

    Parameters
    ----------
    program : str
        Its file, from the folder of all programs; in a researcher's own family, from the
        family's file.
    label : str
        Its name in words, for figures and tables.
    pooling : {"complete", "none", "partial"}
        How much participants share (Gelman & Hill 2007, section 12.1).
    scored : tuple of str
        Population parameters it answers for, in the order they are shown.
    joint : str
        The joint model of parameters and data that it is exact for. Programs of one joint
        model share a posterior.
    note : str
        What a reader must know before comparing it with the others.
    integrated : bool
        Whether participants' own coefficients are integrated out, and drawn afterwards.
    """

    program: str
    label: str = ""
    pooling: Literal["complete", "none", "partial"] = "partial"
    scored: tuple[str, ...] = ()
    joint: str = ""
    note: str = ""
    integrated: bool = False


@dataclass(frozen=True)
class Estimates:
    """Estimates of some parameters from one dataset.

    Parameters
    ----------
    names : list of str, length n
    value, error : ndarray, shape (n,)
        Estimates and their standard errors; NaN where there is no sound one.
    quantile : callable
        Probability -> the bounds of one-sided intervals, shape (n,); NaN without an error.
    """

    names: Sequence[str]
    value: np.ndarray
    error: np.ndarray
    quantile: Callable[[float], np.ndarray]


@dataclass(frozen=True)
class Estimated:
    """What an estimator makes of one dataset.

    Parameters
    ----------
    parts : list of Estimates
        Of population parameters, and of participants' coefficients where it has them.
    not_converged_because : str
        Why the estimate does not count as converged; empty where it does.
    """

    parts: Sequence[Estimates]
    not_converged_because: str = ""


@dataclass(frozen=True)
class Estimator:
    """A way to estimate without a prior and without draws.

    Parameters
    ----------
    fit : callable
        A dataset -> Estimated; RuntimeError says why it has no estimates.
    label, pooling, scored, note
        As a Model has them.
    library : str
        What computes it: the engine of its rows.
    """

    fit: Callable[[Columns], Estimated]
    label: str
    pooling: Literal["complete", "none", "partial"]
    scored: tuple[str, ...]
    note: str
    library: str = "scipy"


@dataclass(frozen=True)
class Axes:
    """The columns that figures draw, and their labels."""

    participant: str
    x: str
    y: str
    x_label: str
    y_label: str


class SimulationError(ValueError):
    """No data can be drawn from a truth, or no truth from a prior; says why."""


class Nothing(Frozen):
    """No keys at all: the options of a family, or of a generator, without any."""


class Family:
    """One kind of data: its parameters, its generator and its programs.

    What has no value or body here every family gives; the rest it gives where figures,
    calibration or observed data want it.
    """

    MODELS: Mapping[str, Model]
    PARAMETERS: Mapping[str, str]  # population parameter -> label
    COLUMNS: Mapping[str, str]  # data column -> "integer" or "real"
    Truth: type[BaseModel]
    Prior: type[BaseModel]

    CHOICE: Any = None  # how a study names it, options at their defaults left out
    ESTIMATORS: Mapping[str, Estimator] = {}  # what a study may compare its models with
    JOINT: str = ""  # the joint model that `draw_truth` and `simulate` make
    POSITIVE: Collection[str] = ()  # population parameters that cannot be negative
    COEFFICIENTS: Mapping[str, str] = {}  # participants' coefficient `beta_p[,k]` -> label
    AXES: Axes | None = None  # None where lines of an outcome over a predictor mean nothing
    PARTICIPANT: str = "participant"  # the data column that numbers participants from 1
    OUTCOME: str = "y"  # the data column that priors are asked about
    Design: type[BaseModel] = Nothing  # options of the generator that may stand beside `prior:`
    ObservedColumns: type[BaseModel] | None = None
    MOST_OBSERVATIONS: int | None = None  # of a participant, where there is a limit
    FILES: tuple[Path, ...] = ()  # what it is made of, beside what these Python files import
    ESTIMATING: tuple[Path, ...] = ()  # the same of its estimators

    def program(self, model: str, folder: Path) -> Path:
        """Return the file of a model's Stan program, given the folder of all programs."""
        return folder / self.MODELS[model].program

    def rehearse(self, act: Callable[[], object]) -> None:
        """Do first, where it can do no harm, what runs code of the family in this process."""

    def draw_truth(self, prior: Given, rng: np.random.Generator) -> Given:
        """Draw a Truth from a prior; SimulationError if there is none to be had."""
        raise NotImplementedError

    def simulate(
        self,
        truth: Given,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset, and the values behind it (participants' coefficients too).

        `observations` is a number per participant, or an observed dataset whose predictors are
        taken, its participants in turn. SimulationError where there are no data to be drawn.
        """
        raise NotImplementedError

    def stan_data(self, columns: Columns, prior: Given) -> dict[str, Any]:
        """Return what the family's programs declare in `data`."""
        raise NotImplementedError

    def participants_of(self, names: list[str]) -> dict[str, list[str]]:
        """Group the participants' coefficients in `names`: `beta_p[,k]` -> its names in order."""
        raise NotImplementedError

    def simulate_joint(
        self,
        joint: str,
        prior: Given,
        design: Mapping,
        participants: int,
        observations: int,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset: from the joint model of a program.

        `joint` is one of those that `MODELS` name. The values behind the dataset are those
        that programs of this joint model answer for.
        """
        truth = self.draw_truth(prior, rng).model_copy(update=dict(design))
        return self.simulate(truth, participants, observations, rng)

    def generates(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model that `MODELS` name."""
        return joint == self.JOINT

    def log_likelihood(
        self, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every observation, given participants' own coefficients.

        `values` has an array for every name, all of shape (n_draws,); the result has shape
        (n_observations, n_draws). `columns` may be some rows of a dataset. None where the
        family has none to give.
        """
        return None

    def marginal_log_likelihood(
        self, model: str, prior: Given, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every participant's observations under a model.

        Their own coefficients are integrated out, in closed form, as who is left out of the
        data has none. `values` is as for `log_likelihood`, `columns` may be those of some
        participants; the result has shape (n_participants, n_draws), in the order of their
        numbers. None where the model has no closed form.
        """
        return None

    def log_likelihood_of(
        self,
        unit: Unit,
        model: str,
        prior: Given,
        values: Mapping[str, np.ndarray],
        columns: Columns,
    ) -> np.ndarray | None:
        """Return the log likelihood of every unit, shape (n_units, n_draws); None if not closed."""
        if unit == "participant":
            return self.marginal_log_likelihood(model, prior, values, columns)
        return self.log_likelihood(values, columns)

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return what calibration ranks besides parameters: functions of them and of the data.

        A random projection of participants' coefficients tells a wrong correlation of many, the
        joint log likelihood whether the data were used (Modrak et al. 2023, doi:10.1214/23-BA1404).
        `values` and the result have an array for every name, all of shape (n_draws,). Equal
        states of `rng` give equal functions.
        """
        effects = [name for names in self.participants_of(list(values)).values() for name in names]
        weights = rng.normal(size=len(effects))
        found = {}
        density = self.log_likelihood(values, columns)
        if density is not None:
            found["log likelihood"] = density.sum(axis=0)
        if effects:
            place = effects[0].partition("[")[0]
            found[f"projection of {place}"] = weights @ np.array([values[name] for name in effects])
        return found

    def prior_sd(self, prior: Given, model: str) -> Values:
        """Return prior standard deviations of a model's parameters, where they are known."""
        return {}

    def determines_truth(self, model: str) -> bool:
        """Whether a model's estimates hold every parameter that a Truth needs."""
        return False

    def truth_from_estimates(self, means: Values) -> Given:
        """Make a Truth of a fit's posterior means."""
        raise NotImplementedError

    def values_of(self, truth: Given) -> Values:
        """Return the values of all population parameters in a Truth."""
        raise NotImplementedError

    def read_observed(self, table: Mapping, columns: Given, standardize: bool) -> Columns:
        """Make the family's columns of a CSV file's; ValueError says what is wrong."""
        raise NotImplementedError

    def expected(self, values: Values, columns: Columns) -> np.ndarray | None:
        """Return the expected outcome of every row; participants' own where `values` has them."""
        return None

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows between which a participant's expected line is drawn."""
        raise NotImplementedError

    def population_of(self, coefficient: str) -> str | None:
        """Return the population parameter that is the mean of a participants' coefficient."""
        return None
