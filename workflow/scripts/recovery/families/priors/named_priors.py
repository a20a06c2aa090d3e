"""Priors as people write them: `normal(0, 1)` for a class of parameters, or for one.

The keys of a prior are classes of parameters (`b`, `sd`) and narrower ones (`b_x`,
`sd_participant`, `sd_participant__x`). The narrowest key that a prior has for a parameter decides.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import (
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    WithJsonSchema,
    create_model,
    model_serializer,
    model_validator,
)

from recovery.common.errors import shown
from recovery.common.types import Frozen
from recovery.families.priors.bounded import Bounded
from recovery.families.priors.distributions import DISTRIBUTIONS, LKJ, Distribution, Flat, Uniform

_CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\((.*)\))?\s*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
CORRELATIONS = (LKJ.NAME,)
ONE_PARAMETER = tuple(name for name in DISTRIBUTIONS if name != LKJ.NAME)
WHOLE_LINE = tuple(name for name, kind in DISTRIBUTIONS.items() if kind.EVERYWHERE)


@dataclass(frozen=True)
class PriorKey:
    """A key of a prior.

    Parameters
    ----------
    example : str
        A distribution that it may have.
    allowed : collection of str
        The names of all that it may have.
    """

    example: str
    allowed: Collection[str] = ONE_PARAMETER


@lru_cache(maxsize=10_000)
def read_distribution(text: str, allowed: Collection[str] = ONE_PARAMETER) -> Distribution:
    """Return the distribution that a text names; ValueError if it is wrong, or not allowed."""
    if text.count("(") != text.count(")"):
        raise ValueError(
            f"got {shown(text)}, must have a closing bracket; between braces YAML splits at "
            'commas: write such a prior in quotes, as {b: "normal(0, 1)"}, or each on a line'
        )
    match = _CALL.fullmatch(text)
    if not match or match[1] not in allowed:
        raise ValueError(f"got {shown(text)}, must be {_requirement(match and match[1], allowed)}")
    kind = DISTRIBUTIONS[match[1]]
    given = [] if match[2] is None else [each.strip() for each in match[2].split(",")]
    if len(given) != len(kind.ARGUMENTS):
        raise ValueError(f"got {shown(text)}, must be {_form(kind.NAME)}")
    numbers = []
    for (name, bounds), argument in zip(kind.ARGUMENTS.items(), given, strict=True):
        number = float(argument) if _NUMBER.fullmatch(argument) else math.nan
        smallest, largest = bounds
        if not smallest <= number <= largest:
            between = "a number" if smallest < 0 else f"a number from {smallest:g} to {largest:g}"
            raise ValueError(f"got {shown(text)}, its {name} must be {between}")
        numbers.append(number)
    if kind is Uniform and not numbers[0] < numbers[1]:
        raise ValueError(f"got {shown(text)}, its beta must be above its alpha")
    return kind(*numbers)


def _form(name: str) -> str:
    """How a distribution is written."""
    arguments = ", ".join(DISTRIBUTIONS[name].ARGUMENTS)
    return f"{name}({arguments})" if arguments else name


def _requirement(name: str | None, allowed: Collection[str]) -> str:
    """What a text must be that names no distribution, or one that is not allowed."""
    if len(allowed) == 1:
        return f"{_form(*allowed)} here"
    bare = (name or "").lower().removeprefix("half").removeprefix("_")
    close = difflib.get_close_matches(bare, allowed, 1)
    if not close or name in DISTRIBUTIONS:
        return f"one of {', '.join(allowed)}, with Stan's arguments"
    at_zero = " It is cut at 0 where the parameter is positive." * (bare != (name or "").lower())
    return f"a distribution of Stan; did you mean {_form(close[0])}?{at_zero}"


def pattern(allowed: Collection[str]) -> str:
    """Return the regular expression of the texts of some distributions."""
    return "|".join(f"(?:{_pattern(name)})" for name in allowed)


def _pattern(name: str) -> str:
    arguments = r"\s*,\s*".join(_NUMBER.pattern for _ in DISTRIBUTIONS[name].ARGUMENTS)
    in_brackets = rf"\s*\(\s*{arguments}\s*\)" if arguments else ""
    return rf"\s*{name}{in_brackets}\s*"


def named_prior(example: str = "normal(0, 1)", allowed: Collection[str] = ONE_PARAMETER) -> Any:
    """Return the type of a field whose value in a study file is the text of a distribution.

    Parameters
    ----------
    example : str
        Shown where the text is wrong.
    allowed : collection of str
        The names of the distributions that it may be.
    """
    names = tuple(allowed)

    def read(value: Any) -> Distribution:
        if isinstance(value, Distribution):
            return value
        if not isinstance(value, str):
            raise ValueError(f"got {shown(value)}, must be text such as {example}")
        return read_distribution(value, names)

    schema = {"type": "string", "pattern": f"^(?:{pattern(names)})$", "examples": [example]}
    return Annotated[
        Distribution, PlainValidator(read), PlainSerializer(str), WithJsonSchema(schema)
    ]


class NamedPriors(Frozen, arbitrary_types_allowed=True):
    """A prior of every parameter; the family adds its keys."""

    KEYS: ClassVar[Mapping[str, tuple[str, ...]]]  # parameter -> keys, the narrowest first
    ALLOWED: ClassVar[Mapping[str, PriorKey]]  # by key
    LOW: ClassVar[Mapping[str, float]]  # lower bounds of the parameters that have one

    def of(self, parameter: str) -> Distribution:
        """Return the prior distribution of a parameter, as it is written."""
        key = next(key for key in self.KEYS[parameter] if getattr(self, key) is not None)
        return getattr(self, key)

    def bounded(self, parameter: str) -> Bounded:
        """Return the prior distribution of a parameter, cut at its lower bound."""
        return Bounded(self.of(parameter), self.LOW.get(parameter, -math.inf))

    @property
    def improper(self) -> list[str]:
        """The parameters with a flat prior, from which nothing can be drawn."""
        return [parameter for parameter in self.KEYS if isinstance(self.of(parameter), Flat)]

    @property
    def drawable(self) -> NamedPriors:
        """The same prior with the example of its key in place of every flat one."""
        flat = [key for key in self.ALLOWED if isinstance(getattr(self, key), Flat)]
        examples = {key: read_distribution(self.ALLOWED[key].example) for key in flat}
        return self.model_copy(update=examples)

    @model_validator(mode="before")
    @classmethod
    def _is_not_split(cls, value: Any) -> Any:
        """Refuse a prior whose texts YAML has split at their commas."""
        if isinstance(value, Mapping):
            for key, rest in value.items():
                if rest is None and str(key).endswith(")"):
                    raise ValueError(
                        f"got {shown(key)} as a key: between braces YAML splits at commas; write "
                        'such a prior in quotes, as b: "normal(0, 1)", or each on a line'
                    )
        return value

    @model_validator(mode="after")
    def _has_all(self) -> NamedPriors:
        lacking = {
            keys[-1]: parameter
            for parameter, keys in self.KEYS.items()
            if all(getattr(self, key) is None for key in keys)
        }
        if lacking:
            first = [f"{key} (for {parameter})" for key, parameter in lacking.items()]
            raise ValueError(f"must have a prior for {', '.join(first)}")
        for parameter in self.KEYS:
            if fault := self.bounded(parameter).fault():
                raise ValueError(f"{self.of(parameter)} for {parameter} {fault}")
        return self

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, str]:
        return {key: value for key, value in handler(self).items() if value is not None}


def prior_type(
    keys: Mapping[str, tuple[str, ...]],
    allowed: Mapping[str, PriorKey],
    low: Mapping[str, float],
) -> type[NamedPriors]:
    """Return the type of the priors of a family.

    Parameters
    ----------
    keys : mapping
        Parameters -> the keys that are for them, the narrowest first.
    allowed : mapping
        What a key may be.
    low : mapping
        Lower bounds of the parameters that have one.
    """
    fields: dict[str, Any] = {
        key: (named_prior(kind.example, kind.allowed) | None, None) for key, kind in allowed.items()
    }
    description = "A prior distribution of every parameter."
    made = create_model("Prior", __base__=NamedPriors, __doc__=description, **fields)
    made.KEYS, made.ALLOWED, made.LOW = dict(keys), dict(allowed), dict(low)
    return made
