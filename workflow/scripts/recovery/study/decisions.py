"""Decisions: rules that answer yes, no or undecided for a fit, and whose rates are reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, Strict, model_validator

from recovery.common.errors import PlacedError, listed, shown
from recovery.common.types import Frozen, Proportion, Real, Text
from recovery.families.designs.collected_faults import one_of

DIGITS = 12  # after the point, of the level that follows from a probability


def _ascending(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = ends
    if not low < high:
        raise ValueError(f"got [{low:g}, {high:g}], must be [low, high] with low below high")
    return ends


class Excludes(Frozen):
    """Yes if the central interval excludes a value, else no."""

    of: Text
    """The parameter or estimand."""
    interval: Proportion
    """Level of the central interval."""
    excludes: Real
    """The value."""

    @property
    def level(self) -> float:
        """The level of the intervals that it needs."""
        return self.interval

    @property
    def threshold(self) -> tuple[str, float]:
        """The key of the largest value that it compares a parameter with, and the value."""
        return "excludes", self.excludes


class Equivalence(Frozen):
    """Yes if the central interval is inside the region of practical equivalence, no if outside.

    With `inside: false`, yes if it is wholly outside and no if it is inside. Undecided otherwise.

    References
    ----------
    Kruschke (2018), doi:10.1177/2515245918771304.
    """

    of: Text
    """The parameter or estimand."""
    rope: Annotated[tuple[Real, Real], AfterValidator(_ascending)]
    """The region's ends, which are part of it."""
    interval: Proportion
    """Level of the central interval."""
    inside: Annotated[bool, Strict()]
    """Whether yes means inside the region (an effect is negligible), or outside (it is not)."""

    @property
    def level(self) -> float:
        """The level of the intervals that it needs."""
        return self.interval

    @property
    def threshold(self) -> tuple[str, float]:
        """The key of the largest value that it compares a parameter with, and the value."""
        return "rope", self.rope[1]


class OneSided(Frozen):
    """Yes if the posterior probability of values on one side is large enough, else no.

    The probability of values above c is at least p if the lower bound of the central interval of
    level 2 p - 1 is above c.
    """

    of: Text
    """The parameter or estimand."""
    above: Real | None = None
    """The value above which the parameter is claimed to be; or give `below`."""
    below: Real | None = None
    """The value below which the parameter is claimed to be."""
    probability: Annotated[float, Strict(), Field(gt=0.5, lt=1)]
    """Least posterior probability of the claim."""

    @model_validator(mode="after")
    def _has_one_side(self) -> OneSided:
        if (self.above is None) == (self.below is None):
            raise ValueError("must have either `above` or `below`")
        return self

    @property
    def level(self) -> float:
        """The level of the intervals that it needs."""
        return round(2 * self.probability - 1, DIGITS)

    @property
    def threshold(self) -> tuple[str, float]:
        """The key of the largest value that it compares a parameter with, and the value."""
        if self.above is not None:
            return "above", self.above
        assert self.below is not None
        return "below", self.below


class Evidence(Frozen):
    """Yes if the Bayes factor against a value is large, no if it is small, undecided between."""

    of: Text
    """The parameter or estimand."""
    null: Real
    """The value of the null hypothesis."""
    bf: Annotated[float, Strict(), Field(gt=1)]
    """Yes if the Bayes factor against the null is at least this; no if at most 1 over this."""

    @property
    def level(self) -> None:
        """The level of the intervals that it needs: it needs none."""

    @property
    def threshold(self) -> tuple[str, float]:
        """The key of the largest value that it compares a parameter with, and the value."""
        return "null", self.null


Rule = Excludes | Equivalence | OneSided | Evidence
_KINDS: dict[type[Frozen], tuple[set[str], str]] = {  # kind -> keys that only it has, all in words
    Excludes: ({"excludes"}, "`interval` and `excludes`"),
    Equivalence: ({"rope", "inside"}, "`rope`, `interval` and `inside`"),
    OneSided: ({"above", "below", "probability"}, "`above` or `below`, and `probability`"),
    Evidence: ({"null", "bf"}, "`null` and `bf`"),
}


def _rule(value: Any) -> Any:
    """A decision of the kind that its keys tell."""
    if isinstance(value, tuple(_KINDS)):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"got {shown(value)}, must be a mapping of keys to values")
    given = {
        "null" if key is None else key: each  # YAML reads the key null as nothing
        for key, each in value.items()
        if each is not None
    }
    known = dict.fromkeys(key for kind in _KINDS for key in kind.model_fields)
    for key in given:
        if key not in known:
            raise PlacedError((str(key),), f"unknown key, must be {one_of(key, known)}")
    told = [kind for kind, (own, _) in _KINDS.items() if own & set(given)]
    if len(told) != 1 or not set(given) <= set(told[0].model_fields):
        kinds = "; or ".join(words for _, words in _KINDS.values())
        raise ValueError(
            f"got the keys {listed(given)}, must have `of` and those of one kind: {kinds}"
        )
    return told[0].model_validate(given)


Decision = Annotated[Rule, BeforeValidator(_rule)]
