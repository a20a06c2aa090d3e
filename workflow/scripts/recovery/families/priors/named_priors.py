"""Priors as people write them: `normal(0, 1)` for a class of parameters, or for one.

The keys of a prior are classes of parameters (`b`, `sd`) and narrower ones (`b_x`,
`sd_participant`, `sd_participant__x`). The narrowest key that a prior has for a parameter decides.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
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

from recovery.common.errors import PlacedError, shown
from recovery.common.types import Frozen
from recovery.families.priors.bounded import Bounded
from recovery.families.priors.distribution import Distribution
from recovery.families.priors.distributions import (
    DISTRIBUTIONS,
    LKJ,
    Constant,
    Flat,
    Uniform,
)
from recovery.families.priors.wrong_texts import IN_QUOTES, argument_fault, form, requirement

_CALL = re.compile(r"([A-Za-z_]\w*)\s*(?:\((.*)\))?", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
SLOPES = "b"
"""The class of the population's coefficients besides the intercept."""
CORRELATIONS = (LKJ.NAME,)
ONE_PARAMETER = tuple(name for name in DISTRIBUTIONS if name != LKJ.NAME)
DRAWABLE = tuple(name for name in ONE_PARAMETER if name != Flat.NAME)
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
    if text.count("(") > text.count(")"):
        raise ValueError(f"got {shown(text)}, must have a closing bracket; {IN_QUOTES}")
    match = _CALL.fullmatch(text.strip())
    if not match or match[1] not in allowed or ")" in (match[2] or "").split("(")[0]:
        raise ValueError(f"got {shown(text)}, must be {requirement(text, allowed)}")
    kind = DISTRIBUTIONS[match[1]]
    given = [] if match[2] is None else [each.strip() for each in match[2].split(",")]
    if any("=" in each for each in given):
        raise ValueError(
            f"got {shown(text)}, must have arguments without names, as {form(kind.NAME)}"
        )
    if len(given) != len(kind.ARGUMENTS):
        raise ValueError(f"got {shown(text)}, must be {form(kind.NAME)}")
    numbers = [float(each) if _NUMBER.fullmatch(each) else math.nan for each in given]
    for (name, bounds), number in zip(kind.ARGUMENTS.items(), numbers, strict=True):
        if fault := argument_fault(number, bounds):
            raise ValueError(f"got {shown(text)}, its {name} must be {fault}")
    if kind is Uniform and not numbers[0] < numbers[1]:
        raise ValueError(
            f"got {shown(text)}, its first argument, the lower bound, must be below its second"
        )
    return kind(*numbers)


def pattern(allowed: Collection[str]) -> str:
    """Return the regular expression of the texts of some distributions."""
    return "|".join(f"(?:{_pattern(name)})" for name in allowed)


def _pattern(name: str) -> str:
    arguments = r"\s*,\s*".join(_NUMBER.pattern for _ in DISTRIBUTIONS[name].ARGUMENTS)
    in_brackets = rf"\s*\(\s*{arguments}\s*\)" if arguments else ""
    return rf"\s*{name}{in_brackets}\s*"


def named_prior(
    example: str = "normal(0, 1)",
    allowed: Collection[str] = DRAWABLE,
    low: float = -math.inf,
) -> Any:
    """Return the type of a field whose value in a study file is the text of a distribution.

    Parameters
    ----------
    example : str
        Shown where the text is wrong.
    allowed : collection of str
        The names of the distributions that it may be.
    low : float
        The parameter's lower bound; a distribution without values above it is refused.
    """
    names = tuple(allowed)

    def read(value: Any) -> Distribution:
        if not isinstance(value, str | Distribution):
            raise ValueError(f"got {shown(value)}, must be text such as {example}")
        found = read_distribution(value, names) if isinstance(value, str) else value
        if fault := Bounded(found, low).fault():
            raise ValueError(f"got {shown(str(value))}, {fault}")
        return found

    schema = {"type": "string", "pattern": f"^(?:{pattern(names)})$", "examples": [example]}
    return Annotated[
        Distribution, PlainValidator(read), PlainSerializer(str), WithJsonSchema(schema)
    ]


class NamedPriors(Frozen, arbitrary_types_allowed=True):
    """A prior of every parameter; the family adds its keys."""

    KEYS: ClassVar[Mapping[str, tuple[str, ...]]]  # parameter -> keys, the narrowest first
    ALLOWED: ClassVar[Mapping[str, PriorKey]]  # by key
    LOW: ClassVar[Mapping[str, float]]  # lower bounds of the parameters that have one
    AT_MEANS: ClassVar[tuple[str, ...]]  # parameters whose prior is at the means of predictors

    def of(self, parameter: str) -> Distribution:
        """Return the prior distribution of a parameter, as it is written."""
        return getattr(self, self.key_of(parameter))

    def key_of(self, parameter: str) -> str:
        """Return the narrowest key that the prior has for a parameter."""
        return next(key for key in self.KEYS[parameter] if getattr(self, key) is not None)

    def bounded(self, parameter: str) -> Bounded:
        """Return the prior distribution of a parameter, cut at its lower bound."""
        return Bounded(self.of(parameter), self.LOW.get(parameter, -math.inf))

    @property
    def improper(self) -> list[str]:
        """The parameters with a flat prior, from which nothing can be drawn."""
        return [parameter for parameter in self.KEYS if isinstance(self.of(parameter), Flat)]

    @property
    def fixed(self) -> set[str]:
        """The parameters that constants fix.

        A prior at the means of predictors fixes the parameter only together with all slopes.
        """
        constants = {name for name in self.KEYS if isinstance(self.of(name), Constant)}
        slopes = {name for name, keys in self.KEYS.items() if keys[-1] == SLOPES}
        return constants if slopes <= constants else constants - set(self.AT_MEANS)

    @property
    def canonical(self) -> dict[str, str]:
        """The distribution of every parameter, by its narrowest key: equal for equal priors."""
        return {keys[0]: str(self.of(name)) for name, keys in self.KEYS.items()}

    def excluded(self, values: Mapping[str, float]) -> list[str]:
        """Return the parameters whose values are outside of the prior, but for those it fixes."""
        left_out = {*self.AT_MEANS, *self.fixed}
        supports = {
            name: self.bounded(name).support
            for name in self.KEYS
            if name in values and name not in left_out
        }
        return [name for name, (low, high) in supports.items() if not low <= values[name] <= high]

    def excludes_zero(self, parameter: str) -> bool:
        """Whether the prior bounds a parameter away from 0, or to one side of it."""
        if parameter not in self.KEYS or parameter in self.AT_MEANS:
            return False
        low, high = self.bounded(parameter).support
        return low >= 0 or high <= 0

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
                        f"got {shown(key)} as a key, must have no such key; {IN_QUOTES}"
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
            wanted = [
                key if key == parameter else f"{key} (for {parameter})"
                for key, parameter in lacking.items()
            ]
            raise ValueError(f"must have a prior for {', '.join(wanted)}")
        for parameter in self.KEYS:
            if fault := self.bounded(parameter).fault():
                got = shown(str(self.of(parameter)))
                message = f"got {got}, {fault}, where {parameter} is"
                raise PlacedError((self.key_of(parameter),), message)
        return self

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, str]:
        return {key: value for key, value in handler(self).items() if value is not None}


def content_of(prior: Any) -> dict[str, Any]:
    """Return what decides a prior of any family: equal for equal priors.

    Of named ones, the distribution of every parameter.
    """
    return prior.canonical if isinstance(prior, NamedPriors) else prior.model_dump(mode="json")


def fixed_by(prior: Any) -> set[str]:
    """Return the parameters that constants fix under a prior of any family, or none."""
    return prior.fixed if isinstance(prior, NamedPriors) else set()


def cannot_be_zero(prior: Any, parameter: str) -> bool:
    """Whether a prior of any family bounds a parameter to one side of 0."""
    return isinstance(prior, NamedPriors) and prior.excludes_zero(parameter)


def prior_type(
    keys: Mapping[str, tuple[str, ...]],
    allowed: Mapping[str, PriorKey],
    low: Mapping[str, float],
    at_means: Sequence[str] = (),
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
    at_means : sequence of str
        Parameters whose prior is at the means of predictors.
    """
    fields: dict[str, Any] = {
        key: (named_prior(kind.example, kind.allowed) | None, None) for key, kind in allowed.items()
    }
    description = "A prior distribution of every parameter."
    made = create_model("Prior", __base__=NamedPriors, __doc__=description, **fields)
    made.KEYS, made.ALLOWED, made.LOW = dict(keys), dict(allowed), dict(low)
    made.AT_MEANS = tuple(at_means)
    return made
