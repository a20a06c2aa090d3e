"""The types of the variables of a design: factors and covariates."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    field_validator,
    model_validator,
)

from recovery.common.errors import shown
from recovery.common.types import (
    Correlation,
    Frozen,
    Positive,
    Proportion,
    Real,
    Text,
    Unique,
    tuple_of,
)
from recovery.families.designs.collected_faults import one_of

NOT_IN_LEVELS = "[]:,"  # they separate the parts of a coefficient's name
CODINGS = ("treatment", "sum", "difference", "helmert", "poly")
DISTRIBUTIONS = ("normal", "uniform", "bernoulli", "sequence", "values")
TOLERANCE = 1e-9  # of shares


def _in_quotes(levels: Any) -> Any:
    """Refuse levels that YAML does not read as text; the message has them in quotes."""
    if not isinstance(levels, list | tuple) or all(isinstance(level, str) for level in levels):
        return levels
    written = json.dumps([_as_written(level) for level in levels], ensure_ascii=False)
    why = (
        "; YAML reads yes, no, on and off without quotes as true and false"
        if any(isinstance(level, bool) for level in levels)
        else ""
    )
    raise ValueError(f"got {shown(levels)}, must be text in quotes, as levels: {written}{why}")


def _as_written(level: Any) -> str:
    if isinstance(level, bool):
        return "yes" if level else "no"
    return "none" if level is None else str(level)


def _level(name: str) -> str:
    if not name or name != name.strip():
        raise ValueError(f"got {name!r}, must be text without spaces at its ends")
    if bad := [
        char for char in name if char in NOT_IN_LEVELS or unicodedata.category(char)[0] == "C"
    ]:
        raise ValueError(
            f"got {name!r}, must not have {bad[0]!r} in it; "
            "it takes no brackets, colons, commas or control characters"
        )
    return name


Level = Annotated[str, StringConstraints(strict=True, max_length=60), AfterValidator(_level)]
Levels = Annotated[tuple[Level, ...], Field(min_length=2), Unique, BeforeValidator(_in_quotes)]

CodingName = Literal["treatment", "sum", "difference", "helmert", "poly"]
Matrix = tuple[tuple[Real, ...], ...]
_MATRIX: TypeAdapter[Matrix] = TypeAdapter(Matrix, config=ConfigDict(allow_inf_nan=False))


def _coding(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return _MATRIX.validate_python(value)
    if value not in CODINGS:
        raise ValueError(
            f"got {shown(value)}, must be a list of rows, one for each level, or "
            f"{one_of(value, CODINGS)}"
        )
    return value


Coding = Annotated[Any, BeforeValidator(_coding, json_schema_input_type=CodingName | Matrix)]


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Within = Annotated[
    tuple[Text, ...],
    Unique,
    BeforeValidator(_as_tuple, json_schema_input_type=Text | tuple[Text, ...]),
]


class Factor(Frozen):
    """A categorical predictor; its column has the number of the level, from 1."""

    levels: Levels
    coding: Coding = "treatment"
    """Contrasts by name, or a matrix with a row for each level."""
    within: Within = ()
    """Grouping factors within whose groups it varies: a declaration that is checked."""
    between: Text | None = None
    """Grouping factor within whose groups it is constant."""
    latin: Text | None = None
    """Grouping factor whose pairs with participants have one level each."""
    shares: tuple[Proportion, ...] | None = None
    """Shares of the levels among the groups of `between`; equal by default."""

    @field_validator("coding")
    @classmethod
    def _has_contrasts(cls, coding: Any, info: ValidationInfo) -> Any:
        if not isinstance(coding, tuple) or "levels" not in info.data:
            return coding
        levels = len(info.data["levels"])
        if len(coding) != levels or len({len(row) for row in coding}) != 1:
            raise ValueError(f"got {shown(coding)}, must have {levels} rows of the same length")
        with_intercept = np.column_stack([np.ones(levels), np.array(coding)])
        columns = with_intercept.shape[1]
        if columns < 2 or np.linalg.matrix_rank(with_intercept) < columns:
            raise ValueError(
                f"got {shown(coding)}, must have columns that are linearly independent "
                f"of one another and of the intercept, at most {levels - 1}"
            )
        return coding

    @field_validator("shares")
    @classmethod
    def _sums_to_1(cls, shares: Any, info: ValidationInfo) -> Any:
        """Check the shares; equal shares become the default."""
        if shares is None or "levels" not in info.data:
            return shares
        levels = len(info.data["levels"])
        if len(shares) != levels:
            raise ValueError(f"got {len(shares)} shares, must have one for each of {levels} levels")
        if abs(sum(shares) - 1) > TOLERANCE:
            raise ValueError(f"got a sum of {sum(shares):.12g}, must sum to 1")
        equal = all(abs(share - 1 / levels) <= TOLERANCE for share in shares)
        return None if equal else shares

    @model_validator(mode="after")
    def _is_dealt_in_one_way(self) -> Factor:
        if self.between is not None and self.latin is not None:
            raise ValueError("got between and latin, must have at most one of them")
        if "shares" in self.model_fields_set and self.between is None:
            raise ValueError("got shares without between, must have both; shares are of its groups")
        return self


def _varies(sequence: tuple[float, float]) -> tuple[float, float]:
    if sequence[1] == 0:
        raise ValueError("got a step of 0, must be a first value and a step other than 0")
    return sequence


def _ascend(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] >= bounds[1]:
        raise ValueError(f"got {list(bounds)}, must be a lower and a higher bound")
    return bounds


class Covariate(Frozen):
    """A numeric predictor: a distribution or fixed values."""

    normal: tuple[Real, Positive] | None = None
    """Mean and SD."""
    uniform: Annotated[tuple_of(Real, 2), AfterValidator(_ascend)] | None = None  # type: ignore[valid-type]
    """Bounds."""
    bernoulli: Proportion | None = None
    """Probability of 1."""
    sequence: Annotated[tuple_of(Real, 2), AfterValidator(_varies)] | None = None  # type: ignore[valid-type]
    """First value and step."""
    values: Annotated[tuple[Real, ...], Field(min_length=2)] | None = None
    """Values dealt in turn."""
    between: Text | None = None
    """Grouping factor whose groups have a value each; rows have values of their own without it."""
    correlated: dict[Annotated[str, Strict()], Correlation] = {}
    """Correlations with other normal covariates of the same `between`."""

    @model_validator(mode="after")
    def _has_one_distribution(self) -> Covariate:
        given = [key for key in DISTRIBUTIONS if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(
                f"got {' and '.join(given) or 'none of them'}, must have levels (a factor) or "
                f"exactly one of {', '.join(DISTRIBUTIONS)}"
            )
        if self.correlated and self.normal is None:
            raise ValueError(f"got correlated with {given[0]}, must be normal to be correlated")
        return self
