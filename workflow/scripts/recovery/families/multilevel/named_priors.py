"""The named priors of a regression: `normal(0, 1)` for a class of parameters, or for one.

A prior's keys are classes (`Intercept`, `b`, `sd`, `cor`, and the outcome's parameters) and
narrower ones: `b_x`, `sd_participant`, `sd_participant__x`, `cor_participant`. The narrowest key
that a prior has for a parameter decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import (
    BeforeValidator,
    SerializerFunctionWrapHandler,
    create_model,
    model_serializer,
    model_validator,
)

from recovery.common.errors import shown
from recovery.common.types import Frozen
from recovery.families.multilevel.layout import INTERCEPT, Layout

_CALL = re.compile(r"\s*([a-z_]+)\s*\(([^()]*)\)\s*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ANY = (-1e300, 1e300)
_SCALE = (1e-50, 1e50)  # truths can be drawn from it without overflow
_ARGUMENTS: Mapping[str, tuple[tuple[str, tuple[float, float]], ...]] = {
    "normal": (("mean", _ANY), ("sd", _SCALE)),
    "exponential": (("rate", _SCALE),),
    "gamma": (("shape", _SCALE), ("rate", _SCALE)),
    "lkj": (("eta", _SCALE),),
}
EXAMPLES = {
    "normal": "normal(0, 1)",
    "exponential": "exponential(1)",
    "gamma": "gamma(2, 0.1)",
    "lkj": "lkj(2)",
}


@dataclass(frozen=True)
class Distribution:
    """A distribution and its arguments, which are Stan's."""

    name: str
    arguments: tuple[float, ...]

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{each:.15g}' for each in self.arguments)})"


@lru_cache(maxsize=10_000)
def read_distribution(text: str, allowed: str) -> Distribution:
    """Return the distribution that a text names, which must be the allowed one."""
    form = f"{allowed}({', '.join(name for name, _ in _ARGUMENTS[allowed])})"
    match = _CALL.fullmatch(text)
    if not match or match[1] != allowed:
        raise ValueError(f"got {shown(text)}, must be {form}")
    given = [each.strip() for each in match[2].split(",")]
    if len(given) != len(_ARGUMENTS[allowed]):
        raise ValueError(f"got {shown(text)}, must be {form}")
    numbers = []
    for (name, bounds), argument in zip(_ARGUMENTS[allowed], given, strict=True):
        number = float(argument) if _NUMBER.fullmatch(argument) else math.nan
        smallest, largest = bounds
        if not smallest <= number <= largest:
            between = "a number" if smallest < 0 else f"a number from {smallest:g} to {largest:g}"
            raise ValueError(f"got {shown(text)}, its {name} must be {between}")
        numbers.append(number)
    return Distribution(allowed, tuple(numbers))


def pattern(name: str) -> str:
    """Return the regular expression of the texts of a distribution."""
    arguments = r"\s*,\s*".join(_NUMBER.pattern for _ in _ARGUMENTS[name])
    return rf"\s*{name}\s*\(\s*{arguments}\s*\)\s*"


def named_arguments(distribution: Distribution) -> dict[str, float]:
    """Return the arguments of a distribution by name."""
    names = (name for name, _ in _ARGUMENTS[distribution.name])
    return dict(zip(names, distribution.arguments, strict=True))


class NamedPriors(Frozen):
    """A prior of every parameter; the family adds its keys."""

    KEYS: ClassVar[Mapping[str, tuple[str, ...]]]  # parameter -> keys, the narrowest first
    KINDS: ClassVar[Mapping[str, str]]  # key -> the distribution that it may have

    def of(self, parameter: str) -> Distribution:
        """Return the prior distribution of a parameter."""
        key = next(key for key in self.KEYS[parameter] if getattr(self, key) is not None)
        return read_distribution(getattr(self, key), self.KINDS[key])

    def arguments(self, parameters: Sequence[str]) -> list[tuple[float, ...]]:
        """Return the first arguments of the parameters' distributions, then the second, ..."""
        return list(zip(*(self.of(each).arguments for each in parameters), strict=True))

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
        return self

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, str]:
        return {key: value for key, value in handler(self).items() if value is not None}


def prior_type(layout: Layout, outcome: Mapping[str, tuple[str, str]]) -> type[NamedPriors]:
    """Return the type of a prior of a regression.

    Parameters
    ----------
    outcome : mapping
        Parameters of the outcome -> their class and its distribution.
    """
    keys: dict[str, tuple[str, ...]] = {}
    kinds: dict[str, str] = {}
    for name in layout.coefficients:
        keys[f"b_{name}"] = (INTERCEPT,) if name == INTERCEPT else (f"b_{name}", "b")
        kinds |= dict.fromkeys(keys[f"b_{name}"], "normal")
    for block in layout.blocks:
        for sd in block.sd:
            keys[sd] = (sd, f"sd_{block.factor}", "sd")
            kinds |= dict.fromkeys(keys[sd], "exponential")
        for cor in block.cor:
            keys[cor] = (f"cor_{block.factor}", "cor")
            kinds |= dict.fromkeys(keys[cor], "lkj")
    for parameter, (key, kind) in outcome.items():
        keys[parameter], kinds[key] = (key,), kind
    fields: dict[str, Any] = {key: (_text_of(kind) | None, None) for key, kind in kinds.items()}
    description = "A prior distribution of every parameter."
    made = create_model("Prior", __base__=NamedPriors, __doc__=description, **fields)
    made.KEYS, made.KINDS = keys, kinds
    return made


def _text_of(kind: str) -> Any:
    """The type of the text of a distribution, written in one way."""

    def written(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"got {shown(value)}, must be text such as {EXAMPLES[kind]}")
        return str(read_distribution(value, kind))

    return Annotated[str, BeforeValidator(written)]
