"""One fit made again: from the study file or the manifest, without any table of the study."""

import os
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from workflow_runs import SMALL, check_out

from recovery import tables
from recovery.fit.inference_data import inference_data
from recovery.plan.manifest import differences

pytestmark = pytest.mark.workflow
FITS = [
    "plain-4x5/noncentered/weak/3",
    "drawn-4x5/noncentered/weak/2",
    "recovered-4/noncentered/weak/1",
    "sleep/noncentered/weak/1",
]
SAME = "The same as in the study's tables, to the last digit."


@pytest.fixture(scope="module")
def finished(observed_study, tmp_path_factory):
    """A copy of that study; a replay writes its draws there."""
    return observed_study.copy(tmp_path_factory.mktemp("replay") / "finished")


def replay(checkout, fit, study="study.yaml"):
    return checkout.python("workflow/replay.py", study, fit)


def draws_of_study(checkout, fit) -> pd.DataFrame:
    """Return the draws that the study kept of a fit."""
    *cell, replicate = fit.split("/")
    (folder,) = (checkout.folder / "results/small").glob("**/draws/" + "/".join(cell))
    draws = pd.concat(map(pd.read_parquet, sorted(folder.iterdir())))
    return draws[draws["replicate"] == int(replicate)].reset_index(drop=True)


@pytest.mark.parametrize("fit", FITS)
def test_a_fit_made_again_has_the_row_of_the_study(finished, fit):
    done = replay(finished, fit)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(f"{SAME}\n")
    *cell, replicate = fit.split("/")
    kept = "results/small/replay/" + "/".join(cell) + f"/{int(replicate):05d}.parquet"
    assert f"Draws: {kept}\n" in done.stdout
    posterior = inference_data(finished.folder / kept, int(replicate)).posterior
    assert posterior.sizes["chain"] == SMALL["sampler"]["chains"]


@pytest.mark.slow
def test_neither_data_nor_tables_are_needed(finished, tmp_path):
    alone = check_out(tmp_path)
    manifest = tmp_path / "manifest.json"
    shutil.copy(finished.folder / "results/small/manifest.json", manifest)
    for fit in FITS:
        done = replay(alone, fit, "manifest.json")
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith("The study's tables have no such fit to compare with.\n")
        kept = next((tmp_path / "results/small/replay").rglob("*.parquet"))
        expected = draws_of_study(finished, fit)
        pd.testing.assert_frame_equal(pd.read_parquet(kept), expected, check_exact=True)
        kept.unlink()


@pytest.mark.slow
def test_another_number_in_the_studys_table_is_named(finished, tmp_path):
    changed = finished.copy(tmp_path / "changed")
    file = (
        tmp_path / "changed/results/small/estimates/plain-4x5/noncentered/weak/00001-00250.parquet"
    )
    columns = tables.read(file)
    first = np.flatnonzero(columns["replicate"] == 3)[0]
    more = 1e-12 * (np.arange(columns["mean"].size) == first)
    tables.write(
        columns | {"mean": columns["mean"] + more},
        file,
        pq.read_schema(file),
        tables.read_identity(file),
    )
    done = replay(changed, FITS[0])
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("estimates, b_Intercept, mean: ")
    assert SAME not in done.stdout


@pytest.mark.slow
def test_a_damaged_table_is_not_compared_with(finished, tmp_path):
    changed = finished.copy(tmp_path / "changed")
    file = "results/small/estimates/plain-4x5/noncentered/weak/00001-00250.parquet"
    content = bytearray((changed.folder / file).read_bytes())
    content[706] ^= 128
    (changed.folder / file).write_bytes(content)
    done = replay(changed, FITS[0])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"{file}: is cut short or damaged" in done.stderr


@pytest.mark.slow
def test_it_says_that_the_tables_are_of_another_version(finished, tmp_path):
    changed = finished.copy(tmp_path / "changed")
    program = tmp_path / "changed/stan/multilevel_linear/noncentered.stan"
    program.write_text(program.read_text() + "// the same program\n")
    done = replay(changed, FITS[0])
    assert done.returncode == 0
    assert "made by another version of study, program, code or engine" in done.stdout


@pytest.mark.slow
def test_a_fit_that_fails_is_made_again_too(tmp_path):
    checkout = check_out(tmp_path)
    checkout.write(sampler={**SMALL["sampler"], "time_limit": 0.0001})
    done = replay(checkout, "plain-4x5/pooled/weak/1")
    assert done.returncode == 0, done.stderr
    assert "time limit: took more than 0.0001 seconds" in done.stdout
    assert "Draws:" not in done.stdout
    assert not list((tmp_path / "results").rglob("*.parquet"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fit", "message"),
    [
        ("plain/pooled/weak/1", "scenario: got 'plain', must be one of 'drawn-4x5', 'plain-4x5', "),
        ("plain-4x5/centered/weak/1", "model: got 'centered', must be one of 'noncentered'"),
        ("plain-4x5/noncentered/flat/1", "prior: got 'flat', must be one of 'weak'"),
        ("plain-4x5/noncentered/weak/4", "replicate: got 4, must be from 1 to 3"),
        ("sleep/noncentered/weak/2", "replicate: got 2, must be from 1 to 1"),
        ("plain-4x5/noncentered", "must be SCENARIO/MODEL/PRIOR/REPLICATE"),
    ],
)
def test_a_fit_that_the_study_does_not_have_is_refused(finished, fit, message):
    done = replay(finished, fit)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_manifest_that_holds_other_things_differs_in_all_of_them(design):
    assert differences({"hashes": 5, "engine": [1]}, design) == differences({}, design) != []


def test_a_pipe_is_no_manifest(finished, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    done = replay(finished, FITS[0], str(tmp_path / "pipe.json"))
    assert done.stderr == f"{tmp_path / 'pipe.json'}: cannot be read: is no regular file\n"
