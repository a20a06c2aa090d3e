"""Reading a study file as Snakemake reads it: as JSON, or else as YAML 1.1.

A study file must mean the same to every reader. YAML 1.1 reads `010` as 8, `1:30` as 90 and
`no` as false; YAML 1.2 does not. Values that the two versions read differently are refused, and
so are tags and repeated keys.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from recovery.common.errors import StudyError, number, path_in_words, shown, study_error
from recovery.common.user_files import read_text

LARGEST = 100_000  # values in a file; an anchored value counts every time it is used
DEEPEST = 100  # levels of JSON; for YAML, Python's limit on recursion applies
TOO_LARGE = f"has more than {LARGEST:,} values, anchors resolved"
SPLIT = (
    "must have a closing bracket; between braces and brackets YAML splits at commas: write the "
    "whole text in quotes, or on its own line"
)
TEMPLATE = "__use_yte__"  # makes Snakemake run Python code in the file

_TAG = "tag:yaml.org,2002:"
_TEXT, _MERGE = f"{_TAG}str", f"{_TAG}merge"
_SIGNS = (_MERGE, f"{_TAG}value")  # `<<` and `=`, which have a meaning only as keys
# What both versions read alike, by PyYAML's tag.
_ALIKE = {
    f"{_TAG}null": r"~|null|Null|NULL|",
    f"{_TAG}bool": r"true|True|TRUE|false|False|FALSE",
    f"{_TAG}int": r"[-+]?(0|[1-9][0-9]*)|0x[0-9a-fA-F]+",
    f"{_TAG}timestamp": r"(?!)",  # nothing
    f"{_TAG}float": r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)"
    r"|\.(nan|NaN|NAN)",
}
_OCTAL = re.compile(r"0o[0-7]+")


class _Loader(yaml.SafeLoader):
    """YAML as safe_load reads it, but without tags and of limited size."""

    def __init__(self, text: str):
        super().__init__(text)
        self.composed = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        self.composed += 1
        if self.composed > LARGEST:
            raise StudyError(TOO_LARGE)
        if tag := getattr(event, "tag", None):
            written, line = shown(tag.replace(_TAG, "!!", 1)), event.start_mark.line + 1
            place = path_in_words((index.value,) if isinstance(index, yaml.ScalarNode) else ())
            raise StudyError(f"{place}: got the tag {written} (line {line}), must have none")
        return super().compose_node(parent, index)


def read_yaml(path: str | Path) -> dict[str, Any]:
    """Read a study file; StudyError says what is malformed, repeated or ambiguous in it."""
    return parse_yaml(read_text(path), str(path))


def parse_yaml(text: str, file: str) -> dict[str, Any]:
    """Return what the text of a study file holds; StudyError as of `read_yaml`."""
    try:
        raw = _read(text, file)
    except RecursionError:
        raise StudyError(f"{file}: is nested too deeply") from None
    if not isinstance(raw, dict):
        raise StudyError(f"{file}: got {shown(raw)}, must be a mapping of keys to values")
    if TEMPLATE in raw:
        raise StudyError(f"{file}: {TEMPLATE}: unknown key, must not be there")
    return raw


def _read(text: str, file: str) -> Any:
    """Read the text as JSON if it is JSON, as Snakemake does, else as YAML."""
    try:
        raw = json.loads(text, object_pairs_hook=_without_repeats)
        if _count(raw) > LARGEST:
            raise StudyError(TOO_LARGE)
        return raw
    except ValueError:
        return _yaml(text, file)
    except StudyError as error:
        raise StudyError(f"{file}: {error}") from None


def _count(value: Any, depth: int = 0) -> int:
    """The number of values in a JSON value, keys included."""
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, dict):
        return sum(1 + _count(part, depth + 1) for part in value.values())
    return 1 + sum(_count(part, depth + 1) for part in value) if isinstance(value, list) else 1


def _yaml(text: str, file: str) -> Any:
    try:
        return _load(text, file)
    except (StudyError, RecursionError):
        raise
    except Exception as error:  # PyYAML raises many kinds for wrong dates and numbers
        raise StudyError(f"{file}: is not valid YAML: {error}") from None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict:
    mapping: dict[str, Any] = {}
    for key, value in pairs:
        if key in mapping:
            raise StudyError(f"{path_in_words((key,))}: duplicate key")
        mapping[key] = value
    return mapping


def _load(text: str, file: str) -> Any:
    loader = _Loader(text)
    try:
        node = _composed(loader, file)
        if node is None:
            return None
        if _size(node, {}) > LARGEST:
            raise StudyError(f"{file}: {TOO_LARGE}")
        if faults := list(_faults(node, (), set(), loader)):
            raise study_error(file, faults)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _composed(loader: _Loader, file: str) -> yaml.Node | None:
    try:
        return loader.get_single_node()
    except StudyError as error:
        raise StudyError(f"{file}: {error}") from None


def _size(node: yaml.Node, known: dict[yaml.Node, float]) -> float:
    """The number of values in a node; infinite for a node that contains itself."""
    if node not in known:
        known[node] = math.inf
        parts = node.value if isinstance(node, yaml.CollectionNode) else []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in parts for part in pair]
        known[node] = 1 + sum(_size(part, known) for part in parts)
    return known[node]


def _faults(node: yaml.Node, place: tuple, seen: set, loader: _Loader) -> Iterator[str]:
    """Yield the ambiguous values and repeated keys of a node; an anchored node is checked once."""
    if node in seen:
        return
    seen.add(node)
    if split := _split(node):
        key, part = split
        yield f"{path_in_words((*place, key))}: got {_written(part)}, {SPLIT}"
    elif isinstance(node, yaml.ScalarNode):
        if meanings := _meanings(node, loader):
            yield f"{path_in_words(place)}: got {_written(node)}, {meanings}"
    elif isinstance(node, yaml.SequenceNode):
        for number_of, part in enumerate(node.value):
            yield from _faults(part, (*place, number_of), seen, loader)
    else:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        yield from _faults_of_keys(keys, path_in_words(place), loader)
        for key, part in node.value:
            yield from _faults(part, (*place, str(key.value)), seen, loader)


def _split(node: yaml.Node) -> tuple[str | int, yaml.ScalarNode] | None:
    """The first text that YAML has split at a comma, as `normal(0`, and its key or number."""
    if not isinstance(node, yaml.CollectionNode) or not node.flow_style:
        return None
    parts: Iterable[tuple[str | int, yaml.Node]] = enumerate(node.value)
    if isinstance(node, yaml.MappingNode):
        parts = [(str(key.value), part) for key, part in node.value]
    for key, part in parts:
        if isinstance(part, yaml.ScalarNode) and not part.style and _is_open(part.value):
            return key, part
    return None


def _is_open(text: str) -> bool:
    """Whether a text lacks a closing bracket."""
    return text.count("(") > text.count(")")


def _faults_of_keys(keys: list[yaml.ScalarNode], place: str, loader: _Loader) -> Iterator[str]:
    seen = set()
    for key in keys:
        if key.value in seen:
            line, name = key.start_mark.line + 1, path_in_words((key.value,))
            yield f"{name}: duplicate key (line {line})"
            continue
        of_decision = place.startswith("decisions.") and key.value == "null"
        if not of_decision and (key.tag not in (_TEXT, _MERGE) or _newer_number(key)):
            yield f"{place}: got the key {_written(key)}, keys must be text: '{key.value}'"
        seen.add(key.value)


def _written(node: yaml.ScalarNode) -> str:
    """The text in the file, and its line."""
    return f"{node.value or 'nothing'} (line {node.start_mark.line + 1})"


def _meanings(node: yaml.ScalarNode, loader: _Loader) -> str | None:
    """What each version of YAML reads, and what to write instead; None if they agree."""
    newer = _newer_number(node)
    if node.tag == _TEXT and newer is None:
        return None
    if node.tag in _SIGNS:
        return f"which YAML 1.1 reads as a special key and YAML 1.2 as text; must be {node.value!r}"
    if node.tag != _TEXT and re.fullmatch(_ALIKE.get(node.tag, ".*"), node.value):
        return None
    value = loader.construct_object(node)
    is_number = not isinstance(value, datetime.date | str)
    older = json.dumps(value) if is_number else "text" if node.tag == _TEXT else shown(value)
    options = dict.fromkeys([*([older] if is_number else []), *([newer] if newer else [])])
    reads = f"which YAML 1.1 reads as {older} and YAML 1.2 as {newer or 'text'}"
    if older == newer:
        reads = "which many programs read as an octal number"
    return f"{reads}; must be {' or '.join([*options, repr(node.value)])}"


def _newer_number(node: yaml.ScalarNode) -> str | None:
    """A number that YAML 1.2 reads, in a form that both versions read; None for other nodes."""
    if node.style is not None:
        return None
    return str(int(node.value, 8)) if _OCTAL.fullmatch(node.value) else number(node.value)


def read_value(text: str, place: str) -> Any:
    """Read one value that is not in a file; StudyError names the place."""
    try:
        return _yaml(text, place)
    except StudyError as error:
        raise StudyError(str(error).replace(f"{place}: the file: ", f"{place}: ")) from None
    except RecursionError:
        raise StudyError(f"{place}: is nested too deeply") from None
