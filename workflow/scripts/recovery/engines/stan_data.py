"""Check what a family's `stan_data` returns against the data block of a program.

Stan checks bounds. CmdStan also checks shapes, but stanli takes any array with the right number
of elements. The checks here are the same for both engines, with clearer messages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from recovery.common.errors import StudyError, shown
from recovery.engines import size_expressions
from recovery.engines.declarations import DataBlock, Declaration

_LIMITS = np.iinfo(np.int32)  # of Stan's integers


class StanDataError(StudyError):
    """An entry that a program declares is missing, or has the wrong type or shape."""


class _EntryError(Exception):
    """An entry has the wrong type or shape."""


def checked_data(data: Mapping[str, Any], block: DataBlock) -> dict[str, Any]:
    """Return a program's data as arrays of the declared types and shapes.

    Entries that the program does not declare are left out. If a size cannot be evaluated (it
    calls a function that the program defines), only types and numbers of dimensions are checked.

    Parameters
    ----------
    data : mapping
        What `stan_data` returned: numbers, lists, tuples and arrays; booleans are 0 and 1.
        As in CmdStan, 1.0 is not an integer.

    Returns
    -------
    dict
        Entry -> ndarray; a Stan tuple is a dict with keys "1", "2", ...

    Raises
    ------
    StanDataError
        With a line for every entry that is missing or has the wrong type or shape.
    """
    checked: dict[str, Any] = {}
    faults = []
    for entry in block.entries:
        if entry.name not in data:
            returned = ", ".join(data) or "nothing"
            faults.append(f" lacks {entry.name}, declared as {entry.text}; it returned {returned}")
            continue
        try:
            checked[entry.name] = _checked(data[entry.name], entry, checked)
        except _EntryError as fault:
            faults.append(f": {entry.name}: {fault}")
    if faults:
        raise StanDataError("\n".join(f"{block.program}: stan_data{fault}" for fault in faults))
    return checked


def _checked(value: Any, declared: Declaration, known: Mapping[str, Any]) -> Any:
    """The value of one entry, given the entries before it, from which its sizes follow."""
    shape = tuple(size_expressions.value_of(size.value, known) for size in declared.sizes)
    if any(size is not None and size < 0 for size in shape):
        raise _EntryError(f"must be {_in_words(declared, shape, known)}: a size below 0")
    if declared.kind == "tuple":
        return _tuples(value, declared, shape, known)
    if declared.kind == "":
        return value
    array = _array(value)
    if declared.kind == "complex":
        array = _complex(array, len(shape))
    known_sizes = [size for size in shape if size is not None]
    all_known = len(known_sizes) == len(shape)
    if array.size == 0 and (not all_known or prod(known_sizes) == 0):
        array = array.reshape(known_sizes) if all_known else array
    elif not _fits(array.shape, shape):
        raise _EntryError(f"got {_shape(array.shape)}, must be {_in_words(declared, shape, known)}")
    return _typed(array, declared)


def _array(value: Any) -> np.ndarray:
    """A value as an array; lists of different lengths and what is not numeric are refused."""
    if _is_masked(value):
        raise _EntryError("got masked or missing values, must have a number everywhere")
    try:
        array = np.asarray(value)
        if array.dtype == object:  # it may have only numbers
            array = np.asarray(array.tolist())
    except ValueError:
        raise _EntryError("got lists of different lengths, must be rectangular") from None
    if array.dtype == object and all(isinstance(element, int) for element in array.ravel()):
        return array  # integers beyond 64 bits
    if array.dtype.kind not in "biufc":
        expected = "numbers" if array.ndim else "a number"
        raise _EntryError(f"got {_first_other(value)}, must be {expected}")
    return array.astype(int) if array.dtype.kind == "b" else array


def _is_masked(value: Any) -> bool:
    """Whether it has NumPy's masked or pandas' missing values, which would become numbers."""
    if isinstance(value, list | tuple):
        return any(map(_is_masked, value))
    if hasattr(value, "isna"):
        kinds = value.dtypes if hasattr(value, "dtypes") else value.dtype
        of_pandas = [kind for kind in np.ravel(kinds) if not isinstance(kind, np.dtype)]
        return bool(of_pandas) and bool(np.any(value.isna()))
    return isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)


def _first_other(value: Any) -> str:
    """The first element that is not a number, in words."""
    numbers = int | float | complex | np.number
    elements = np.asarray(value, dtype=object).ravel()
    other = next((item for item in elements if not isinstance(item, numbers)), value)
    return "None" if other is None else shown(other)


def _complex(array: np.ndarray, rank: int) -> np.ndarray:
    """Complex numbers, also from Stan's format: a last dimension of real and imaginary part."""
    if array.dtype.kind != "c" and array.ndim == rank + 1 and array.shape[-1] == 2:
        return array[..., 0] + 1j * array[..., 1]
    return array


def _fits(got: Sequence[int], shape: Sequence[int | None]) -> bool:
    return len(got) == len(shape) and all(
        size in (None, length) for length, size in zip(got, shape, strict=True)
    )


def _typed(array: np.ndarray, declared: Declaration) -> np.ndarray:
    kind, got = declared.kind, array.dtype.kind
    if kind == "complex":
        return array.astype(complex)
    if got == "c":
        raise _EntryError(f"got complex numbers, must be {declared.text}")
    if kind == "int":
        return _integers(array, declared)
    try:
        with np.errstate(over="raise"):
            return array.astype(float)
    except (OverflowError, FloatingPointError):
        raise _EntryError(f"got a number too large for {declared.text}") from None


def _integers(array: np.ndarray, declared: Declaration) -> np.ndarray:
    if array.size and array.dtype.kind == "f":
        raise _EntryError(
            f"got {shown(array.ravel()[0].item())}, must be {declared.text}: integers, "
            "without a point (`.astype(int)`)"
        )
    outside = array[(array < _LIMITS.min) | (array > _LIMITS.max)]
    if outside.size:
        raise _EntryError(
            f"got {shown(outside.ravel().tolist()[0])}, must be {declared.text}: "
            f"from {_LIMITS.min} to {_LIMITS.max}"
        )
    return array.astype(int)


def _tuples(
    value: Any, declared: Declaration, shape: Sequence[int | None], known: Mapping[str, Any]
) -> Any:
    """A Stan tuple as a dict of numbered parts; an array of tuples as lists of such dicts."""
    if shape:
        if not isinstance(value, Sequence | np.ndarray) or shape[0] not in (None, len(value)):
            raise _EntryError(f"got {shown(value)}, must be {_in_words(declared, shape, known)}")
        return [_tuples(item, declared, shape[1:], known) for item in value]
    places = [str(place) for place in range(1, len(declared.parts) + 1)]
    if isinstance(value, Sequence) and len(value) == len(places):
        value = dict(zip(places, value, strict=True))
    if not isinstance(value, Mapping) or sorted(map(str, value)) != sorted(places):
        raise _EntryError(f"got {shown(value)}, must be {declared.text}")
    parts = {str(key): part for key, part in value.items()}
    return {
        place: _checked(parts[place], part, known)
        for place, part in zip(places, declared.parts, strict=True)
    }


def _shape(shape: Sequence[int]) -> str:
    return f"shape {tuple(shape)}" if shape else "a single number"


def _in_words(declared: Declaration, shape: Sequence[int | None], known: Mapping[str, Any]) -> str:
    """A type, the values of the names in its sizes, and the resulting shape."""
    return declared.text + "".join(_words(declared, shape, known))


def _words(
    declared: Declaration, shape: Sequence[int | None], known: Mapping[str, Any]
) -> Iterator[str]:
    names = dict.fromkeys(name for size in declared.sizes for name in size.names)
    numbers = [f"{name} = {known[name]}" for name in names if np.ndim(known.get(name, [])) == 0]
    if numbers:
        yield f" with {', '.join(numbers)}"
    if not shape:
        yield ", a single number"
    elif None in shape:
        yield f", of {len(shape)} dimensions" if len(shape) > 1 else ", of one dimension"
    else:
        yield f", of shape {tuple(shape)}"


def as_json(value: Any) -> Any:
    """Return data as dicts, lists and numbers, for JSON and for both engines.

    Tuples become lists, since CmdStanPy would write them as Stan tuples, which are dicts with
    keys "1", "2", ... here. Booleans become 0 and 1, complex numbers lists of two parts.
    """
    if isinstance(value, Mapping):
        return {str(key): as_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if type(value) in (int, float):
        return value
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    elif array.dtype.kind == "b":
        array = array.astype(int)
    plain = array.tolist()
    return as_json(plain) if array.dtype == object and array.ndim else plain
