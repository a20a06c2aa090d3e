"""`make replay`: how a fit is named, and what is printed of it."""

import json
from pathlib import Path

import pandas as pd
import pytest

from recovery.common.errors import StudyError
from recovery.run.replay import Replayed
from recovery.run.replay_report import described, manifest_and_study, named_fit


def test_a_fit_is_named_by_its_cell_and_replicate():
    assert named_fit("plain-4x5/pooled/weak/12") == (("plain-4x5", "pooled", "weak"), 12)


@pytest.mark.parametrize("text", ["", "a/b/c", "a/b/c/d", "a/b/c/-1", "a/b/c/d/1"])
def test_another_text_names_no_fit(text):
    with pytest.raises(StudyError, match="must be SCENARIO/MODEL/PRIOR/REPLICATE"):
        named_fit(text)


def replayed(differences, same_identity=True):
    keys = {"scenario": ["s"], "model": ["m"], "prior": ["p"], "replicate": [1]}
    return Replayed(
        estimates=pd.DataFrame({**keys, "parameter": ["mu"], "mean": [0.5]}),
        diagnostics=pd.DataFrame({"attempt": [1], "status": ["ok"], "error": [None]}),
        draws=Path("draws.parquet"),
        differences=differences,
        same_identity=same_identity,
    )


def test_a_fit_is_described():
    assert described(replayed([])) == (
        "attempt            1\nstatus             ok\n\n"
        "parameter  mean\n       mu   0.5\n\n"
        "Draws: draws.parquet\n"
        "The same as in the study's tables, to the last digit."
    )


@pytest.mark.parametrize(
    ("differences", "same_identity", "end"),
    [
        (None, False, "The study's tables have no such fit to compare with."),
        (["a: 1 now, 2 then"], True, "draws.parquet\na: 1 now, 2 then"),
        (["a: 1 now, 2 then"], False, "program, code or engine.\na: 1 now, 2 then"),
    ],
)
def test_differences_come_last(differences, same_identity, end):
    assert described(replayed(differences, same_identity)).endswith(end)


def test_a_manifest_holds_the_study(tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"study": {"name": "x"}}))
    assert manifest_and_study(str(file)) == ({"study": {"name": "x"}}, {"name": "x"})


def test_another_json_file_is_a_study(tmp_path):
    file = tmp_path / "study.json"
    file.write_text('{"name": "x"}')
    assert manifest_and_study(str(file)) == (None, {"name": "x"})


def test_a_damaged_manifest_is_refused(tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text('{"study": ')
    with pytest.raises(StudyError, match="is not the manifest of a study"):
        manifest_and_study(str(file))
