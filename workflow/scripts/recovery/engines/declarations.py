"""What a Stan program declares in its data block: names, types, and sizes as expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from recovery.common.errors import StudyError
from recovery.engines import size_expressions
from recovery.engines.includes import program_text
from recovery.engines.protocol import Program

_SCALARS = {"int": "int", "real": "real", "complex": "complex"}
_VECTORS = (
    *("vector", "row_vector", "simplex", "unit_vector", "ordered", "positive_ordered"),
    "sum_to_zero_vector",
)
_MATRICES = (
    *("matrix", "sum_to_zero_matrix", "column_stochastic_matrix", "row_stochastic_matrix"),
    *("cov_matrix", "corr_matrix", "cholesky_factor_corr", "cholesky_factor_cov"),
)
_COMPLEX = {"complex_vector": 1, "complex_row_vector": 1, "complex_matrix": 2}
_RANKS = dict.fromkeys(_VECTORS, 1) | dict.fromkeys(_MATRICES, 2) | _COMPLEX
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_ASIDE = re.compile(r'//[^\n]*|/\*.*?\*/|"[^"\n]*"', re.DOTALL)
_TOKEN = re.compile(
    r"(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[A-Za-z]\w*"
    r"|%/%|&&|\|\||[=!<>]=|\.[*/^]|[^\s\w]"
)
_NO_SPACE = re.compile(r"(?<=[\w\])]) (?=\[)|(?<=\w) (?=\()|(?<=[(\[]) | (?=[)\],])")


@dataclass(frozen=True)
class Size:
    """One size: its expression as it is written, the names in it, and its value."""

    text: str
    names: tuple[str, ...]
    value: size_expressions.Size | None


@dataclass(frozen=True)
class Declaration:
    """One entry of a data block.

    Parameters
    ----------
    name : str
    kind : {"int", "real", "complex", "tuple", ""}
        What its elements are; empty for a type that is not known here.
    text : str
        Its type as it is written, without bounds: `array[N] vector[K]`.
    sizes : tuple of Size
        A size a dimension, arrays' first; of a tuple those of the array of them.
    parts : tuple of Declaration
        A tuple's elements.
    """

    name: str
    kind: str
    text: str
    sizes: tuple[Size, ...] = ()
    parts: tuple[Declaration, ...] = ()


@dataclass(frozen=True)
class DataBlock:
    """What a program declares as data, in its order; `program` is its file."""

    program: str
    entries: tuple[Declaration, ...]


def of_program(program: Program) -> DataBlock:
    """Return a program's data block; StudyError if it cannot be read."""
    text = program_text(Path(program.path), Path(program.include))
    try:
        return DataBlock(program.path, _of_text(_ASIDE.sub(_instead, text)))
    except (LookupError, ValueError) as error:
        raise StudyError(f"{program.path}: its data block cannot be read: {error}") from None


def _instead(aside: re.Match) -> str:
    """What stands for a comment, or for a string."""
    return ' "" ' if aside[0][0] == '"' else " "


@lru_cache
def _of_text(text: str) -> tuple[Declaration, ...]:
    tokens = _data_block(_TOKEN.findall(text))
    found = []
    while tokens:
        found += _declared(tokens)
    return tuple(found)


def _data_block(tokens: list[str]) -> list[str]:
    """What stands in the block `data`; nothing in a program without one."""
    depth = 0
    for place, token in enumerate(tokens):
        begins = depth == 0 and tokens[place : place + 2] == ["data", "{"]
        if begins and tokens[place - 1 : place] != ["transformed"]:
            return _inside(tokens[place + 1 :])
        depth += (token == "{") - (token == "}")
    return []


def _inside(tokens: list[str]) -> list[str]:
    """Take what stands between a bracket, which comes first, and the one that closes it."""
    depth, opening = 0, tokens[0]
    for place, token in enumerate(tokens):
        depth += (token == opening) - (token == _CLOSING[opening])
        if depth == 0:
            found = tokens[1:place]
            del tokens[: place + 1]
            return found
    raise ValueError(f"{opening} is not closed")


def _declared(tokens: list[str]) -> list[Declaration]:
    """Take one statement: a type and one name, or several."""
    kind, found = _type(tokens), []
    while True:
        name = tokens.pop(0)
        own = kind
        if tokens[0] == "[":  # the way of writing arrays before Stan 2.33
            own = _array(_inside(tokens), kind)
        found.append(replace(own, name=name))
        if (end := tokens.pop(0)) == ";":
            return found
        if end != ",":
            raise ValueError(f"got {end!r} after {name}, must be a comma or a semicolon")


def _type(tokens: list[str]) -> Declaration:
    """Take a type with its bounds from the front; it has no name yet."""
    word = tokens.pop(0)
    if word == "array":
        within = _inside(tokens)
        return _array(within, _type(tokens))
    if word == "tuple":
        return _tuple(_inside(tokens))
    _drop_bounds(tokens)
    if word in _SCALARS:
        return Declaration("", _SCALARS[word], word)
    written = _apart(_inside(tokens)) if tokens[:1] == ["["] else []
    found = [_size(each) for each in written]
    text = f"{word}[{', '.join(size.text for size in found)}]" if found else word
    if word not in _RANKS:
        return Declaration("", "", text)
    kind = "complex" if word in _COMPLEX else "real"
    return Declaration("", kind, text, tuple((found * 2)[: _RANKS[word]]))


def _tuple(within: list[str]) -> Declaration:
    parts = []
    while within:
        parts.append(_type(within))
        del within[:1]  # the comma
    text = f"tuple({', '.join(part.text for part in parts)})"
    return Declaration("", "tuple", text, (), tuple(parts))


def _array(within: list[str], element: Declaration) -> Declaration:
    found = tuple(_size(each) for each in _apart(within))
    text = f"array[{', '.join(size.text for size in found)}] {element.text}"
    return replace(element, text=text, sizes=(*found, *element.sizes))


def _drop_bounds(tokens: list[str]) -> None:
    """Take away `<lower=..., upper=...>`, which Stan holds data to itself."""
    if tokens[:1] != ["<"]:
        return
    depth = 0
    while tokens:
        token = tokens.pop(0)
        depth += (token in _CLOSING) - (token in _CLOSING.values())
        if token == ">" and depth == 0:
            return
    raise ValueError("< is not closed")


def _apart(tokens: list[str]) -> list[list[str]]:
    """What stands between commas that are in no brackets."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token in _CLOSING) - (token in _CLOSING.values())
        if token == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _size(tokens: list[str]) -> Size:
    text = _NO_SPACE.sub("", " ".join(tokens))
    names = tuple(dict.fromkeys(token for token in tokens if re.match(r"[A-Za-z]", token)))
    return Size(text, names, size_expressions.parsed(tokens))
