"""What a family is: the protocol that every family's module follows.

A family's module answers for one kind of data. Everything above `families/` reaches
a parameter, a column or a hyperparameter only through what stands here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from pydantic import BaseModel

Columns = dict[str, np.ndarray]
"""A table as its columns; all have one length."""

Values = dict[str, float]
"""Numbers by parameter name, with Stan's brackets: `{"beta[1]": 0.2, ...}`."""


@dataclass(frozen=True)
class Model:
    """A Stan program of a family.

    Parameters
    ----------
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
    """

    label: str
    pooling: Literal["complete", "none", "partial"]
    scored: tuple[str, ...]
    joint: str
    note: str = ""


@dataclass(frozen=True)
class Axes:
    """The columns that figures draw, and their labels."""

    participant: str
    x: str
    y: str
    x_label: str
    y_label: str


class Family(Protocol):
    """The contents of a family's module."""

    MODELS: Mapping[str, Model]
    PARAMETERS: Mapping[str, str]  # population parameter -> label
    JOINT: str  # the joint model that `draw_truth` and `simulate` make
    POSITIVE: Collection[str]  # population parameters that cannot be negative
    COEFFICIENTS: Mapping[str, str]  # participants' coefficient `beta_p[,k]` -> label
    COLUMNS: Mapping[str, str]  # data column -> "integer" or "real"
    AXES: Axes
    Design: type[BaseModel]  # options of the generator that may stand beside `prior:`
    Truth: type[BaseModel]
    Prior: type[BaseModel]
    ObservedColumns: type[BaseModel]

    def draw_truth(self, prior: BaseModel, rng: np.random.Generator) -> BaseModel:
        """Draw a Truth from a prior."""

    def simulate_joint(
        self,
        joint: str,
        prior: BaseModel,
        design: Mapping,
        participants: int,
        observations: int,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Draw parameters from a prior, then a dataset: from the joint model of a program.

        `joint` is one of those that `MODELS` name. The values behind the dataset are those
        that programs of this joint model answer for.
        """

    def test_quantities(
        self, values: Mapping[str, np.ndarray], columns: Columns, rng: np.random.Generator
    ) -> dict[str, np.ndarray]:
        """Return what calibration ranks besides parameters: functions of them and of the data.

        `values` has an array for every name, all of shape (n_draws,); so has the result.
        Equal states of `rng` give equal functions.
        """

    def prior_sd(self, prior: BaseModel, model: str) -> Values:
        """Return prior standard deviations of a model's parameters, where they are known."""

    def determines_truth(self, model: str) -> bool:
        """Whether a model's estimates hold every parameter that a Truth needs."""

    def truth_from_estimates(self, means: Values) -> BaseModel:
        """Make a Truth of a fit's posterior means."""

    def simulate(
        self,
        truth: BaseModel,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset, and the values behind it (participants' coefficients too).

        `observations` is a number per participant, or an observed dataset whose
        predictors are taken, its participants in turn.
        """

    def read_observed(self, table: Mapping, columns: BaseModel, standardize: bool) -> Columns:
        """Make the family's columns of a CSV file's; ValueError says what is wrong."""

    def stan_data(self, columns: Columns, prior: BaseModel) -> dict:
        """Return what the family's programs declare in `data`."""

    def participants_of(self, names: list[str]) -> dict[str, list[str]]:
        """Group the participants' coefficients in `names`: `beta_p[,k]` -> its names in order."""

    def expected(self, values: Values, columns: Columns) -> np.ndarray:
        """Return the expected outcome of every row; participants' own where `values` has them."""

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows between which a participant's expected line is drawn."""

    def population_of(self, coefficient: str) -> str:
        """Return the population parameter that is the mean of a participants' coefficient."""
