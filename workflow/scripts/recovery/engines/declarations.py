"""The data block of a Stan program: names, types, and sizes as expressions."""

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
    """A size: its expression as written, the names in it, and the function that evaluates it."""

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
        The type of its elements; empty for an unknown type.
    text : str
        Its type as written, without bounds: `array[N] vector[K]`.
    sizes : tuple of Size
        One size for each dimension, those of arrays first. For a tuple, the sizes of the array
        of tuples.
    parts : tuple of Declaration
        The elements of a tuple.
    """

    name: str
    kind: str
    text: str
    sizes: tuple[Size, ...] = ()
    parts: tuple[Declaration, ...] = ()


@dataclass(frozen=True)
class DataBlock:
    """The data that a program declares, in order; `program` is its file."""

    program: str
    entries: tuple[Declaration, ...]


def of_program(program: Program) -> DataBlock:
    """Return a program's data block; StudyError if it cannot be read."""
    text = program_text(Path(program.path), Path(program.include))
    try:
        return DataBlock(program.path, _of_text(_ASIDE.sub(_blank, text)))
    except (LookupError, ValueError) as error:
        raise StudyError(f"{program.path}: its data block cannot be read: {error}") from None


def _blank(token: re.Match) -> str:
    """The replacement of a comment or a string."""
    return ' "" ' if token[0][0] == '"' else " "


@lru_cache
def _of_text(text: str) -> tuple[Declaration, ...]:
    tokens = _data_block(_TOKEN.findall(text))
    entries: list[Declaration] = []
    while tokens:
        entries += _declared(tokens)
    return tuple(entries)


def _data_block(tokens: list[str]) -> list[str]:
    """The tokens of the block `data`; none for a program without one."""
    depth = 0
    for place, token in enumerate(tokens):
        begins = depth == 0 and tokens[place : place + 2] == ["data", "{"]
        if begins and tokens[place - 1 : place] != ["transformed"]:
            return _inside(tokens[place + 1 :])
        depth += (token == "{") - (token == "}")
    return []


def _inside(tokens: list[str]) -> list[str]:
    """Take an opening bracket from the front, and return the tokens up to the closing one."""
    depth, opening = 0, tokens[0]
    for place, token in enumerate(tokens):
        depth += (token == opening) - (token == _CLOSING[opening])
        if depth == 0:
            inside = tokens[1:place]
            del tokens[: place + 1]
            return inside
    raise ValueError(f"{opening} is not closed")


def _declared(tokens: list[str]) -> list[Declaration]:
    """Take one statement: a type and one name, or several."""
    kind = _type(tokens)
    entries = []
    while True:
        name = tokens.pop(0)
        is_old_array = tokens[0] == "["  # syntax before Stan 2.33
        entry = _array(_inside(tokens), kind) if is_old_array else kind
        entries.append(replace(entry, name=name))
        if (end := tokens.pop(0)) == ";":
            return entries
        if end != ",":
            raise ValueError(f"got {end!r} after {name}, must be a comma or a semicolon")


def _type(tokens: list[str]) -> Declaration:
    """Take a type with its bounds from the front; the declaration has no name yet."""
    word = tokens.pop(0)
    if word == "array":
        within = _inside(tokens)
        return _array(within, _type(tokens))
    if word == "tuple":
        return _tuple(_inside(tokens))
    _drop_bounds(tokens)
    if word in _SCALARS:
        return Declaration("", _SCALARS[word], word)
    written = _split(_inside(tokens)) if tokens[:1] == ["["] else []
    sizes = [_size(tokens) for tokens in written]
    text = f"{word}[{', '.join(size.text for size in sizes)}]" if sizes else word
    if word not in _RANKS:
        return Declaration("", "", text)
    kind = "complex" if word in _COMPLEX else "real"
    return Declaration("", kind, text, tuple((sizes * 2)[: _RANKS[word]]))


def _tuple(within: list[str]) -> Declaration:
    parts = []
    while within:
        parts.append(_type(within))
        del within[:1]  # the comma
    text = f"tuple({', '.join(part.text for part in parts)})"
    return Declaration("", "tuple", text, (), tuple(parts))


def _array(within: list[str], element: Declaration) -> Declaration:
    sizes = tuple(_size(tokens) for tokens in _split(within))
    text = f"array[{', '.join(size.text for size in sizes)}] {element.text}"
    return replace(element, text=text, sizes=(*sizes, *element.sizes))


def _drop_bounds(tokens: list[str]) -> None:
    """Drop `<lower=..., upper=...>`, since Stan itself checks bounds."""
    if tokens[:1] != ["<"]:
        return
    depth = 0
    while tokens:
        token = tokens.pop(0)
        depth += (token in _CLOSING) - (token in _CLOSING.values())
        if token == ">" and depth == 0:
            return
    raise ValueError("< is not closed")


def _split(tokens: list[str]) -> list[list[str]]:
    """The tokens between commas, except commas in brackets."""
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
