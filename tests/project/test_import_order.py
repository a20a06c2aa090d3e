"""Each package of the library imports only from those above it."""

import ast
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT

LIBRARY = ROOT / "workflow/scripts/recovery"
ORDER = ("common", "tables", "engines", "families", "study", "plan", "fit", "score")
ENDS = ("figures", "report")  # beside each other
ROOMS = (*ORDER, *ENDS, "run")
ONLY = {  # package of others -> the only room that imports it
    "pyarrow": "tables",
    "cmdstanpy": "engines",
    "stanli": "engines",
    "arviz_stats": "fit",
    "arviz_base": "fit",
    "seaborn": "figures",
    "matplotlib": "figures",
    "jinja2": "report",
}


def modules() -> list[Path]:
    return sorted(LIBRARY.rglob("*.py"))


def room_of(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0]


def imported(file: Path) -> set[str]:
    """The dotted names that a file imports, wherever an import stands."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: imports by dots"
            names |= {f"{node.module}.{each.name}" for each in node.names}
    return names


def allowed(room: str) -> set[str]:
    """The rooms that one may import from."""
    if room in ENDS:
        return {*ORDER, room}
    return set(ROOMS[: ROOMS.index(room) + 1])


def test_there_are_these_rooms_and_no_others():
    assert {room_of(file) for file in modules()} == {*ROOMS, "__init__.py"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_package_imports_only_from_those_above_it(room):
    wrong = {
        (str(file.relative_to(LIBRARY)), name)
        for file in modules()
        if room_of(file) == room
        for name in imported(file)
        if name.startswith("recovery.") and name.split(".")[1] not in allowed(room)
    }
    assert wrong == set()


@pytest.mark.parametrize(("package", "room"), ONLY.items())
def test_a_package_of_others_is_imported_in_one_room(package, room):
    rooms = {
        room_of(file)
        for file in modules()
        if package in {name.split(".")[0] for name in imported(file)}
    }
    assert rooms <= {room}


def test_there_is_no_circle_for_types():
    assert not [file for file in modules() if "TYPE_CHECKING" in file.read_text(encoding="utf-8")]


def test_no_two_modules_have_one_name():
    names = Counter(file.name for file in modules() if not file.name.startswith("__"))
    assert [name for name, times in names.items() if times > 1] == []
