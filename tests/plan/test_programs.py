"""Programs and what they decide: an edit changes the fits of its own model only."""

import shutil

import pytest
from changed_keys import only
from conftest import LINEAR, STAN, make_study

from recovery.plan import provenance

CELL = ("moderate-4x3", "pooled", "weak")


@pytest.fixture
def programs(tmp_path):
    """A copy of the Stan programs, to edit."""
    return shutil.copytree(STAN, tmp_path / "stan")


def hashes(programs) -> dict:
    study = make_study(("models", list(LINEAR.MODELS)))
    return dict(provenance.sources(study, LINEAR, programs, "1").programs)


def edit(file) -> None:
    file.write_text(file.read_text() + "// edited\n")


def test_an_edited_program_changes_only_its_own_model(programs):
    before = hashes(programs)
    edit(programs / "multilevel_linear" / "centered.stan")
    assert only(hashes(programs), before) == {"centered"}


def test_an_edited_include_changes_the_models_that_include_it(programs):
    before = hashes(programs)
    edit(programs / "functions" / "multilevel.stan")
    assert only(hashes(programs), before) == {*("unpooled", "centered", "noncentered", "marginal")}


def test_a_touched_program_changes_nothing(programs):
    before = hashes(programs)
    (programs / "multilevel_linear" / "centered.stan").touch()
    assert hashes(programs) == before
