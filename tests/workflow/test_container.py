"""`container` in the study file: every job of a rule runs in the image, with `--sdm apptainer`.

Apptainer is not on the registries of this machine. A stand-in takes its commands, notes the image
and runs the job outside of it, so the workflow's and Snakemake's parts are the real ones.
"""

import os
import sys
from pathlib import Path

import pytest
from workflow_runs import check_out

pytestmark = pytest.mark.workflow

APPTAINER = """#!/bin/sh
[ "$1" = --version ] && { echo apptainer version 1.3.0; exit; }
while [ "$1" != exec ]; do shift; done
shift
while [ "${1#--}" != "$1" ]; do shift 2; done
echo "$1" >> "$IMAGES"
shift
exec "$@"
"""
DATA = "results/small/data/plain-4x5/00001-00250.parquet"


@pytest.fixture
def environment(tmp_path):
    """A folder of commands with the stand-in, first on the path."""
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "apptainer").write_text(APPTAINER)
    (commands / "apptainer").chmod(0o755)
    python = Path(sys.executable).parent
    path = f"{commands}:{python}:{os.environ['PATH']}"
    return {"PATH": path, "IMAGES": str(tmp_path / "images.txt")}


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "checkout").mkdir()
    return check_out(tmp_path / "checkout")


def test_jobs_run_in_the_image_that_the_study_names(checkout, environment):
    (checkout.folder / "image.sif").touch()
    checkout.write(container="image.sif", models=["pooled"])
    options = ("--sdm", "apptainer", "--cores", "1")
    done = checkout.snakemake(*options, DATA, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    images = Path(environment["IMAGES"]).read_text().split()
    assert [Path(image).name for image in images] == ["image.sif"]
    checkout.change(container="another.sif")
    assert checkout.planned(DATA) == {}


def test_without_the_option_no_image_is_used(checkout, environment):
    checkout.write(container="image.sif", models=["pooled"])
    done = checkout.snakemake("--cores", "1", DATA, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not Path(environment["IMAGES"]).exists()
