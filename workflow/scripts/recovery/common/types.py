"""The types of values in a study file, from which studies and families are built."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from types import GenericAlias
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    StringConstraints,
)


class Frozen(BaseModel):
    """Base of everything in a study file: immutable, and unknown keys are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )


def _no_repeats(values: tuple) -> tuple:
    seen = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{value!r} is listed more than once; every entry must be different")
        seen.add(value)
    return values


LEAST_APART = 1e-4  # between levels of intervals, and from 0 and 1


def distinct_levels(levels: tuple[float, ...]) -> tuple[float, ...]:
    """Refuse levels so close that their bounds are the same quantile up to rounding."""
    for low, high in pairwise(sorted((0.0, *levels, 1.0))):
        if high - low < LEAST_APART * (1 - 1e-9):
            raise ValueError(
                f"{low:.15g} and {high:.15g} are too near; levels must be at least {LEAST_APART} "
                "from one another, from 0 and from 1"
            )
    return levels


def _of_few_repeats(name: str) -> str:
    if repeat := re.search(r"(.+?)\1{19,}$", name):
        raise ValueError(
            f"got {name!r}, must not end in {repeat[1]!r} 20 times or more, which Snakemake refuses"
        )
    return name


def for_snakemake(path: str) -> str:
    """Return a path if Snakemake can use it unchanged; else raise ValueError."""
    if set(path) & set("{}<>\n"):  # wildcards and path variables of Snakemake, and its lists
        raise ValueError(f"got {path!r}, must be a path without any of {{ }} < > and line ends")
    return path


def _of_characters(text: str) -> str:
    for character in text:
        if unicodedata.category(character) == "Cc" and character not in "\t\n":
            raise ValueError(f"got the control character {character!r}, must be text without any")
    return text


def tuple_of(kind: Any, size: int) -> Any:
    """Return the type of a tuple of `size` numbers."""
    return GenericAlias(tuple, (kind,) * size)


Name = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z0-9_]+$", max_length=60),
    AfterValidator(_of_few_repeats),
]
Text = Annotated[str, Strict(), Field(max_length=1000), AfterValidator(_of_characters)]
Title = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_of_characters),
]
Path = Annotated[Text, AfterValidator(for_snakemake)]
Real = Annotated[float, Strict()]
Positive = Annotated[float, Strict(), Field(gt=0)]
NonNegative = Annotated[float, Strict(), Field(ge=0)]
Count = Annotated[int, Strict(), Field(ge=1, le=10_000_000)]
Proportion = Annotated[float, Strict(), Field(gt=0, lt=1)]
Correlation = Annotated[float, Strict(), Field(gt=-1, lt=1)]
Unique = AfterValidator(_no_repeats)
Apart = AfterValidator(distinct_levels)
