"""The interface of a family: one kind of data, its generator and its models.

The rest of the library accesses parameters, columns and priors only through it. A
shipped family is a subclass of `Family`; `own` makes one from a Python file.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel

from recovery.common.types import Frozen
from recovery.families.estimands import Estimand, Vocabulary, estimand_texts, linear, read
from recovery.families.estimators import Estimator

MOST_ROWS = 10_000_000  # of a dataset
NO_SIZES: Mapping[str, int] = {}

Columns = dict[str, np.ndarray]
"""A table: column name -> values; all columns have the same length."""

Values = dict[str, float]
"""Parameter name with Stan's brackets -> value: `{"beta[1]": 0.2, ...}`."""

Fields = Any
"""An instance of the family's Truth, Prior, Design or ObservedColumns."""

Unit = Literal["observation", "participant"]
"""What cross-validation leaves out and predicts."""


@dataclass(frozen=True)
class Model:
    """A Stan program of a family.

    Parameters
    ----------
    program : str
        Its file, relative to the folder of all programs; in an own family, relative to the
        folder of the family's file.
    label : str
        Its name in figures and tables.
    pooling : {"complete", "none", "partial"}
        Degree of pooling over participants (Gelman & Hill 2007, section 12.1).
    scored : tuple of str
        Population parameters that it estimates, in the order in which they are shown.
    joint : str
        The joint model of parameters and data for which it is exact. Programs of one joint
        model have the same posterior.
    note : str
        What a reader must know before comparing it with other models.
    integrated : bool
        Whether participants' coefficients are integrated out and drawn afterwards.
    seconds : tuple of float
        About how long 8000 iterations take, and how much longer with each row of data. The
        size of batches follows from it.
    """

    program: str
    label: str = ""
    pooling: Literal["complete", "none", "partial"] = "partial"
    scored: tuple[str, ...] = ()
    joint: str = ""
    note: str = ""
    integrated: bool = False
    seconds: tuple[float, float] = (0.4, 0.001)


@dataclass(frozen=True)
class Axes:
    """The columns that figures show, and their labels."""

    participant: str
    x: str
    y: str
    x_label: str
    y_label: str


class SimulationError(ValueError):
    """Data cannot be drawn from a truth, or a truth from a prior; the message says why."""


class NoOptions(Frozen):
    """The options of a family or a generator that has no options."""


class Family:
    """One kind of data: its parameters, its generator and its programs.

    A family must define the attributes and methods that have no value or body here. The others
    are needed for some figures, for calibration or for observed data.
    """

    MODELS: Mapping[str, Model]
    PARAMETERS: Mapping[str, str]  # population parameter -> label
    COLUMNS: Mapping[str, str]  # data column -> "integer" or "real"
    Truth: type[BaseModel]
    Prior: type[BaseModel]

    CHOICE: Any = None  # `family` of a study, without options that have their default
    ESTIMATORS: Mapping[str, Estimator] = {}  # with which a study can compare its models
    JOINT: str = ""  # the joint model of `draw_truth` and `simulate`
    POSITIVE: Collection[str] = ()  # population parameters that cannot be negative
    CORRELATIONS: Collection[str] = ()  # population parameters that are correlations
    ESTIMANDS: Mapping[str, Estimand] = {}  # those of PARAMETERS that a study or its file names
    SUMMED: Collection[str] = ()  # parameters whose weighted sums have a known prior density
    COEFFICIENTS: Mapping[str, str] = {}  # groups' coefficient `r_participant[,x]` -> label
    DEVIATIONS: bool = False  # whether these are deviations from the population
    AXES: Axes | None = None  # None if lines of an outcome over a predictor have no meaning
    PARTICIPANT: str = "participant"  # the data column that numbers participants from 1
    CATEGORIES: tuple[int, ...] = ()  # outcomes that there are, if these are categories
    OUTCOME: str = "y"  # the data column for which prior predictions are shown
    Design: type[BaseModel] = NoOptions  # options of the generator in a truth with `prior:`
    ObservedColumns: type[BaseModel] | None = None
    ROWS_IN_FILE: bool = False  # whether a file of the design has the rows of participants
    MOST_OBSERVATIONS: int | None = None  # of a participant, if there is a limit
    FILES: tuple[Path, ...] = ()  # its files, without the modules that they import
    ESTIMATOR_FILES: Mapping[str, tuple[Path, ...]] = {}  # the same for each of its estimators

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the choice of a study: another process finds the family and makes its classes."""
        from recovery import families

        return families.find, (self.CHOICE, estimand_texts(self))

    def vocabulary(self) -> Vocabulary:
        """Return the names that users write for parameters and, in estimands, for variables."""
        return Vocabulary({name: name for name in self.PARAMETERS})

    def estimand(self, name: str, text: str) -> Estimand:
        """Return what the text of an estimand says; ValueError in the user's words if it cannot."""
        return linear(name, text, read(text, self.vocabulary()))

    def parameter_named(self, text: str) -> str:
        """Return the parameter or estimand that a user names; ValueError with the nearest name."""
        return self.vocabulary().parameter(text)

    def with_estimands(self, values: Values) -> Values:
        """Return true values, or estimates, with those of the estimands that follow from them."""
        found = dict(values)
        for name, each in self.ESTIMANDS.items():
            if all(parameter in found for parameter in each.parameters):
                found[name] = each.value(found)
        return found

    def program(self, model: str, folder: Path) -> Path:
        """Return the file of a model's Stan program in the folder of all programs."""
        return folder / self.MODELS[model].program

    def try_in_child(self, action: Callable[[], object]) -> None:
        """Call a function in a child process, if the family has code that may end the process."""

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
        """Draw a Truth from a prior; SimulationError if this is impossible."""
        raise NotImplementedError

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset; return it with all true values, participants' coefficients too.

        `observations` is the number per participant, or an observed dataset whose participants'
        predictors are used in turn. `sizes` has the number of groups of every other grouping
        factor that the study counts. SimulationError if data cannot be drawn.
        """
        raise NotImplementedError

    def in_words(self) -> dict[str, str]:
        """Return the regression and its predictors in words, if the family has a formula."""
        return {}

    def check_sizes(
        self, participants: int, sizes: Mapping[str, int], observations: int | None
    ) -> None:
        """Raise ValueError if a dataset of these sizes does not fit the design."""

    def check_coefficients(
        self, participants: int, sizes: Mapping[str, int], observations: int | Columns | None
    ) -> None:
        """Raise ValueError if a dataset of these sizes cannot tell all coefficients apart.

        `observations` may be an observed dataset whose participants are repeated in turn.
        """

    def depends_on_all_rows(self) -> str:
        """Return what in a formula depends on all rows of a dataset; empty if nothing does."""
        return ""

    def number_of_rows(
        self, participants: int, observations: int, sizes: Mapping[str, int] = NO_SIZES
    ) -> int:
        """Return the number of rows of a dataset before rows go missing."""
        return participants * observations

    def stan_data(self, columns: Columns, prior: Fields, model: str) -> dict[str, Any]:
        """Return the data of a model's Stan program."""
        raise NotImplementedError

    def parameter_names(self, names: list[str], columns: Columns) -> list[str]:
        """Return the family's names of a program's draws, given their names in the program."""
        return names

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the groups' coefficients among `names`: `r_item[,x]` -> names in order."""
        raise NotImplementedError

    def grouping_factor(self, coefficient: str) -> str:
        """Return the grouping factor of a groups' coefficient."""
        return self.PARTICIPANT

    def simulate_joint(
        self,
        joint: str,
        prior: Fields,
        design: Mapping,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset, from the joint model of a program.

        `joint` is a joint model of `MODELS`. The true values returned are those that programs of
        this joint model estimate. `observations` is as for `simulate`.
        """
        truth = self.draw_truth(prior, rng).model_copy(update=dict(design))
        return self.simulate(truth, participants, observations, rng, sizes)

    def can_simulate_joint(self, joint: str) -> bool:
        """Whether `simulate_joint` can draw from a joint model of `MODELS`."""
        return joint == self.JOINT

    def for_parts(self, columns: Columns) -> Columns:
        """Return a dataset with what cannot be computed from some of its rows as columns."""
        return columns

    def log_likelihood(
        self, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every observation given participants' coefficients.

        `values` has an array of shape (n_draws,) for every name; the result has shape
        (n_observations, n_draws). `columns` may be some rows of a dataset. None if the family
        does not define it.
        """
        return None

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray | None:
        """Return the log density of every participant's observations under a model.

        Participants' coefficients are integrated out in closed form, because the fit has no
        coefficients of a participant who is left out. `values` is as for `log_likelihood`;
        `columns` may be those of some participants. The result has shape
        (n_participants, n_draws), ordered by participant number. None if there is no closed
        form.
        """
        return None

    def log_likelihood_of(
        self,
        unit: Unit,
        model: str,
        prior: Fields,
        values: Mapping[str, np.ndarray],
        columns: Columns,
    ) -> np.ndarray | None:
        """Return the log likelihood of every unit, shape (n_units, n_draws), or None."""
        if unit == "participant":
            return self.marginal_log_likelihood(model, prior, values, columns)
        return self.log_likelihood(values, columns)

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return functions of parameters and data that calibration ranks besides parameters.

        The rank of a random projection of participants' coefficients shows wrong correlations
        between them; that of the joint log likelihood shows whether the data were used (Modrak
        et al. 2023, doi:10.1214/23-BA1404). `values` and the result have an array of shape
        (n_draws,) for every name. The functions are the same for the same state of `rng`.
        """
        groups = self.group_coefficients(list(values))
        names = [name for members in groups.values() for name in members]
        weights = rng.normal(size=len(names))
        quantities = {}
        density = self.log_likelihood(values, columns)
        if density is not None:
            quantities["log likelihood"] = density.sum(axis=0)
        if names:
            vector = names[0].partition("[")[0]
            projection = weights @ np.array([values[name] for name in names])
            quantities[f"projection of {vector}"] = projection
        return quantities

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return the known prior standard deviations of a model's parameters."""
        return {}

    def weighted_sum(
        self, weights: Mapping[str, float], model: str, prior: Fields, columns: Columns
    ) -> Any:
        """Return a weighted sum of `SUMMED` as a `WeightedSum` of a program's parameters."""
        raise NotImplementedError

    def determines_truth(self, model: str) -> bool:
        """Whether a model estimates every parameter that a Truth needs."""
        return False

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit."""
        raise NotImplementedError

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        raise NotImplementedError

    def read_observed(self, table: Mapping, columns: Fields, standardize: bool) -> Columns:
        """Return the family's columns from a CSV file; ValueError if the file is wrong."""
        raise NotImplementedError

    def expected(self, values: Values, columns: Columns) -> np.ndarray | None:
        """Return the expected outcome of every row, or None.

        If `values` has participants' coefficients, the expectation is conditional on them.
        """
        return None

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows at which figures draw the expected line of every participant."""
        raise NotImplementedError

    def population_of(self, coefficient: str) -> str | None:
        """Return the population parameter that is the mean of a participants' coefficient."""
        return None
