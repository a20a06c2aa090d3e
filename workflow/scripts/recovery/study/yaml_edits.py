"""Change one value of a study file and nothing else in its text: comments, quotes, layout."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    MappingStartEvent,
    ScalarEvent,
)


@dataclass(frozen=True)
class _Pair:
    """A key of the top-level mapping: the first event of the key, and of its value."""

    key: Event
    value: Event


def with_integer(text: str, key: str, value: int) -> str | None:
    """Return the text of a study file in which a top-level key has this integer as its value.

    A value given through an alias is replaced by the integer. If the old value has an anchor that
    is used further down, the anchor moves there, so that only this key changes. A key that comes
    from a merge (`<<`) is written before the merge, which it overrides.

    Parameters
    ----------
    text : str
        The study file, in YAML of any layout.
    key : str
        A key with one number as its value.

    Returns
    -------
    str or None
        None if the text has neither the key nor a merge, or the value is not a scalar.
    """
    try:
        events = list(YAML(pure=True).parse(text))
    except YAMLError:
        return None
    pairs = list(_top_level(events))
    for pair in pairs:
        if isinstance(pair.key, ScalarEvent) and pair.key.value == key:
            return _replaced(text, pair.value, value, events)
    for pair in pairs:
        if isinstance(pair.key, ScalarEvent) and pair.key.value == "<<":
            return _inserted(text, pair.key, f"{key}: {value}", events)
    return None


def _top_level(events: list[Event]) -> Iterator[_Pair]:
    """Yield the pairs of the mapping that the document is."""
    depth = 0
    starts: list[Event] = []
    for event in events:
        if isinstance(event, CollectionEndEvent):
            depth -= 1
            continue
        if depth == 1 and isinstance(event, CollectionStartEvent | ScalarEvent | AliasEvent):
            starts.append(event)
        if isinstance(event, CollectionStartEvent):
            depth += 1
    return (_Pair(*pair) for pair in zip(starts[::2], starts[1::2], strict=False))


def _replaced(text: str, old: Event, value: int, events: list[Event]) -> str | None:
    """The text with the integer in place of a scalar or an alias."""
    if not isinstance(old, ScalarEvent | AliasEvent):
        return None
    start, end = old.start_mark.index, old.end_mark.index
    written = text[start:end]
    if isinstance(old, AliasEvent) or old.anchor is None:
        return f"{text[:start]}{value}{text[end:]}"
    alias = _next_alias(old, events)
    if alias is None:
        return f"{text[:start]}&{old.anchor} {value}{text[end:]}"
    between = text[end : alias.start_mark.index]
    return f"{text[:start]}{value}{between}{written}{text[alias.end_mark.index :]}"


def _next_alias(anchored: ScalarEvent, events: list[Event]) -> AliasEvent | None:
    """The first alias of an anchored scalar, before the anchor's name is used again."""
    for event in events[events.index(anchored) + 1 :]:
        if getattr(event, "anchor", None) == anchored.anchor:
            return event if isinstance(event, AliasEvent) else None
    return None


def _inserted(text: str, before: ScalarEvent, pair: str, events: list[Event]) -> str:
    """The text with a pair before a key of the top-level mapping."""
    start = before.start_mark.index
    whole = next(event for event in events if isinstance(event, MappingStartEvent))
    space = ", " if whole.flow_style else "\n" + " " * before.start_mark.column
    return f"{text[:start]}{pair}{space}{text[start:]}"
