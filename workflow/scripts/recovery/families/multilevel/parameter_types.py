"""The types of truths and observed columns of a multilevel regression."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import GenericAlias
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    create_model,
    model_validator,
)

from recovery.common.errors import PlacedError, shown
from recovery.common.types import Correlation, Frozen, NonNegative, Real, Text
from recovery.families import correlations
from recovery.families.multilevel import cell_means
from recovery.families.multilevel.layout import Block, Layout
from recovery.families.multilevel.outcome import Outcome


def named(names: Iterable[str], kind: Any, what: str, required: bool = True) -> Any:
    """Return the type of a mapping of these names to values.

    Parameters
    ----------
    what : str
        What a name is, for the message on an unknown one.
    required : bool
        Whether every name must be given.
    """
    known = list(names)

    def complete(value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in value:
            if name not in known:
                raise ValueError(f"got {shown(name)}, must be {what}: {nearest(name, known)}")
        if required and (lacking := [name for name in known if name not in value]):
            raise ValueError(f"must have {', '.join(map(repr, lacking))} too")
        return value

    return Annotated[GenericAlias(dict, (str, kind)), AfterValidator(complete)]


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known names as a message lists them, the nearest first if one is near."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"one of {', '.join(map(repr, names))}" if names else "there is none"


class RegressionTruth(Frozen):
    """Parameter values from which data are generated; the family adds its fields."""

    LAYOUT: ClassVar[Layout]

    @model_validator(mode="after")
    def _has_coefficients(self: Any) -> Any:
        layout = self.LAYOUT
        if self.means is None:
            given = self.b or {}
            if lacking := [name for name in layout.coefficients if name not in given]:
                raise PlacedError(("b",), f"must have {', '.join(map(repr, lacking))} too")
        else:
            cell_means.coefficients(layout, self.means, self.b or {})
        for block in layout.blocks:
            omega = self.correlations(block)
            if requirement := correlations.unmet_requirement(omega):
                given = getattr(self.cor, block.factor)
                got = shown([*map(list, given)] if isinstance(given, tuple) else given)
                raise PlacedError(
                    ("cor", block.factor),
                    f"got {got}, the correlation matrix must be {requirement}",
                )
        return self

    @property
    def coefficients(self: Any) -> dict[str, float]:
        """The population's coefficients by name."""
        layout = self.LAYOUT
        if self.means is not None:
            return cell_means.coefficients(layout, self.means, self.b or {})
        return {name: self.b[name] for name in layout.coefficients}

    def sds(self: Any, block: Block) -> np.ndarray:
        """Return the standard deviations of a block's coefficients, shape (Q,)."""
        given = getattr(self.sd, block.factor)
        return np.array([given[name] for name in block.coefficients])

    def correlations(self: Any, block: Block) -> np.ndarray:
        """Return the correlations of a block's coefficients, shape (Q, Q)."""
        size = len(block.coefficients)
        if not block.pairs:
            return np.eye(size)
        given = getattr(self.cor, block.factor)
        if isinstance(given, tuple):
            return np.array(given)
        omega = np.full((size, size), float(given))
        np.fill_diagonal(omega, 1.0)
        return omega


def correlation_of(omega: np.ndarray) -> Any:
    """Return a truth's value for a correlation matrix: a number for two coefficients.

    Correlations that would round to a singular matrix are moved towards 0.
    """
    if len(omega) == 2:
        largest = correlations.LARGEST_CORRELATION
        return float(np.clip(omega[0, 1], -largest, largest))
    return tuple(map(tuple, correlations.shrunken(omega).tolist()))


def truth_type(layout: Layout, outcome: Outcome) -> type[RegressionTruth]:
    """Return the type of a truth.

    `b` has the population's coefficients, `sd` and `cor` those of groups by grouping factor.
    `means` has the expected linear predictor of every cell of the design's factors; coefficients
    of factors then follow from their codings.
    """
    of_sd: dict[str, list[str]] = {}
    for block in layout.blocks:
        of_sd.setdefault(block.factor, []).extend(block.coefficients)
    sd: dict[str, Any] = {
        factor: (named(names, NonNegative, "a coefficient that varies by it"), ...)
        for factor, names in of_sd.items()
    }
    cor: dict[str, Any] = {
        block.factor: (_correlations(len(block.coefficients)), ...)
        for block in layout.blocks
        if block.pairs
    }
    fields: dict[str, Any] = {
        "b": (named(layout.coefficients, Real, "a coefficient of the formula", False) | None, None),
        "means": (dict[str, Any] | None, None),
        **({"sd": (create_model("Sd", __base__=Frozen, **sd), ...)} if sd else {}),
        **({"cor": (create_model("Cor", __base__=Frozen, **cor), ...)} if cor else {}),
        **{name: (kind, ...) for name, kind in outcome.TRUTH.items()},
    }
    description = "Parameter values from which data are generated."
    made = create_model("Truth", __base__=RegressionTruth, __doc__=description, **fields)
    made.LAYOUT = layout
    return made


def _correlations(size: int) -> Any:
    """The type of a correlation of all pairs, or of a matrix."""
    row = GenericAlias(tuple, (Real,) * size)
    whole: Any = GenericAlias(tuple, (row,) * size)
    finite = ConfigDict(allow_inf_nan=False)
    matrix: TypeAdapter[Any] = TypeAdapter(whole, config=finite)
    number: TypeAdapter[float] = TypeAdapter(Correlation, config=finite)

    def checked(value: Any) -> Any:
        kind = matrix if isinstance(value, list | tuple) else number
        return kind.validate_python(value)

    return Annotated[Any, BeforeValidator(checked)]


def observed_type(columns: Iterable[str]) -> type[BaseModel]:
    """Return the type of the column names of a CSV file, by default the family's own."""
    fields: dict[str, Any] = {name: (Text, Field(default=name)) for name in columns}
    description = "The columns of a CSV file with the family's data."
    return create_model("ObservedColumns", __base__=Frozen, __doc__=description, **fields)
