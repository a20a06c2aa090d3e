"""A job keeps the fits that stand, and makes only the others."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import LINEAR, ROOT, make_design

from recovery import tables
from recovery.common.replicate_ranges import as_ranges, numbers_in
from recovery.engines.protocol import SAMPLER_COLUMNS, Draws
from recovery.fit import batches, datasets, standing
from recovery.fit.batches import Fit
from recovery.plan.batch_size import Batch

SCENARIO = "moderate-4x3"
CELL = (SCENARIO, "pooled", "weak")
TABLES = ("estimates", "groups", "diagnostics")


class CountingFitter:
    """Writes the replicates that it is called for to a file; its numbers are made up."""

    n_attempts = 1
    program = None

    def __init__(self, specification, log, shift=0.0, with_draws=False):
        self.specification, self.log, self.shift = specification, str(log), shift
        self.with_draws = with_draws

    def __call__(self, task):
        with Path(self.log).open("a") as log:
            print(task.replicate, file=log)
        mean = task.replicate + 0.1 + self.shift
        return Fit(
            [{"parameter": "sigma", "truth": task.truth["sigma"], "mean": mean}],
            [{"coefficient": "r_participant[,Intercept]", "n_groups": 4, "rmse": mean}],
            {"status": "ok", "converged": True, "sampling_seconds": 0.5},
            some_draws(task.replicate) if self.with_draws else None,
        )

    def attempt_columns(self, replicate, attempt):
        return {"seed": 2**31 - replicate}


def some_draws(replicate):
    values = np.full((1, 3, 1), float(replicate))
    return Draws(["sigma"], values, dict.fromkeys(SAMPLER_COLUMNS, values[:, :, 0]), 0.0, 0.0)


@pytest.fixture
def job(tmp_path):
    """Make the fits of a batch from 1 to a replicate; return those that were made."""
    return Job(tmp_path)


class Job:
    def __init__(self, folder):
        self.folder, self.log, self.shift = folder, folder / "log", 0.0
        names = (*TABLES, "draws")
        self.files = {name: str(folder / f"{name}/00001-00250.parquet") for name in names}

    def run(self, last, with_draws=False, first=1, **changes):
        design = make_design()
        batch = Batch(1, 250, last)
        simulation = design.simulation(SCENARIO, batch)
        inputs = {name: str(self.folder / f"{name}.parquet") for name in ("data", "truth")}
        data, truth = datasets.simulate_batch(simulation)
        identity, ranges = simulation["identity"], simulation["replicates"]
        schema = tables.data_schema(LINEAR.COLUMNS)
        tables.write(data, inputs["data"], schema, identity, replicates=ranges)
        tables.write(truth, inputs["truth"], tables.TRUTH, identity, replicates=ranges)
        specification = design.fit(*CELL, batch) | {"datasets": inputs} | changes
        specification["replicates"] = as_ranges(range(first, last + 1))
        outputs = {name: [self.files[name]] for name in TABLES}
        outputs |= {"draws": [self.files["draws"]]} if with_draws else {}
        self.log.write_text("")
        batches.fit_files(
            [CountingFitter(specification, self.log, self.shift, with_draws)], outputs
        )
        return [int(line) for line in self.log.read_text().split()]

    def numbers(self):
        return {name: tables.read_frame([self.files[name]]) for name in TABLES}

    def parts(self):
        return sorted(str(file) for file in self.folder.rglob("*.parts"))


@pytest.mark.parametrize("numbers", [[], [1], [1, 2, 3], [3, 7, 8, 9, 12]])
def test_ranges_are_read_as_they_were_written(numbers):
    assert numbers_in(as_ranges(reversed(numbers))) == numbers


def test_ranges_are_short():
    assert as_ranges([*range(1, 251), 300]) == "1-250, 300"


def test_a_fourth_replicate_is_fitted_alone(job, tmp_path):
    assert job.run(3) == [1, 2, 3]
    assert job.run(4) == [4]
    added = job.numbers()
    once = Job(tmp_path / "once")
    (tmp_path / "once").mkdir()
    assert once.run(4) == [1, 2, 3, 4]
    for name, table in once.numbers().items():
        assert added[name].equals(table)
    assert tables.read_replicates(job.files["estimates"]) == "1-4"
    assert job.parts() == []


def test_nothing_is_fitted_that_stands(job):
    job.run(3)
    assert job.run(3) == []


def test_fewer_replicates_leave_the_others_out(job):
    job.run(4)
    assert job.run(2) == []
    assert {*job.numbers()["diagnostics"]["replicate"]} == {1, 2}


def test_replicates_before_those_that_stand_come_before_them(job):
    assert job.run(4, first=3) == [3, 4]
    assert job.run(4) == [1, 2]
    assert job.numbers()["diagnostics"]["replicate"].tolist() == [1, 2, 3, 4]


def test_fits_of_another_identity_do_not_stand(job):
    job.run(3)
    assert job.run(3, identity="another") == [1, 2, 3]


def test_a_replicate_stands_only_if_all_its_tables_do(job):
    """As after a job that was killed between two tables."""
    job.run(3)
    kept = (job.folder / "diagnostics/00001-00250.parquet").read_bytes()
    job.run(4)
    (job.folder / "diagnostics/00001-00250.parquet").write_bytes(kept)
    assert job.run(4) == [4]
    assert job.numbers()["diagnostics"]["replicate"].tolist() == [1, 2, 3, 4]
    assert job.numbers()["estimates"]["replicate"].tolist() == [1, 2, 3, 4]


def test_costs_of_what_stands_are_kept(job):
    job.run(3)
    before = tables.read_seconds(job.files["diagnostics"])
    job.run(4)
    after = tables.read_seconds(job.files["diagnostics"])
    assert before.keys() == after.keys()
    assert all(after[step] > before[step] for step in before)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_a_batch_that_fails_half_way_goes_on_where_it_was(job, monkeypatch, stop):
    monkeypatch.setattr(standing, "SECONDS", 0.0)
    added = standing.Standing.add

    def fails(self, replicate, rows, kept):
        if replicate > stop:
            raise OSError("no space")
        added(self, replicate, rows, kept)

    with monkeypatch.context() as context:
        context.setattr(standing.Standing, "add", fails)
        with pytest.raises(OSError, match="no space"):
            job.run(4, with_draws=True)
    assert len(job.parts()) == 4
    assert job.run(4, with_draws=True) == list(range(stop + 1, 5))
    assert job.numbers()["diagnostics"]["replicate"].tolist() == [1, 2, 3, 4]
    assert job.numbers()["diagnostics"]["seed"].tolist() == [2**31 - n for n in (1, 2, 3, 4)]
    kept = tables.read_frame([job.files["draws"]])
    assert kept["replicate"].tolist() == [1] * 3 + [2] * 3 + [3] * 3 + [4] * 3
    assert kept["sigma"].tolist() == kept["replicate"].tolist()
    assert job.parts() == []


def test_a_damaged_part_is_refused_by_name(job, monkeypatch):
    monkeypatch.setattr(standing, "SECONDS", 0.0)
    with monkeypatch.context() as context:
        context.setattr(standing.Standing, "finish", lambda self, seconds: None)
        context.setattr(standing, "remove_parts", lambda files: None)
        job.run(2)
    part = job.folder / "estimates/00001-00250.parts/00001.part"
    part.write_bytes(part.read_bytes()[:-1])
    with pytest.raises(tables.StaleTableError, match=rf"{part}: is cut short or damaged"):
        job.run(2)


HOLDS = """
import sys, time
sys.path.insert(0, sys.argv[1])
from recovery.fit import standing
with standing.taken({"diagnostics": sys.argv[2]}):
    print("taken", flush=True)
    time.sleep(float(sys.argv[3]))
"""


def test_two_jobs_of_one_batch_take_turns(tmp_path):
    """As when a study is started again on a cluster while its old jobs run."""
    file = str(tmp_path / "diagnostics/00001-00005.parquet")
    command = [sys.executable, "-c", HOLDS, str(ROOT / "workflow/scripts"), file]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "999"], **pipes) as first:
        assert first.stdout.readline() == "taken\n"
        with subprocess.Popen([*command, "0"], **pipes) as second:
            assert "waits for another job" in second.stderr.readline()
            assert second.poll() is None
            first.send_signal(signal.SIGKILL)  # its lock ends with it
            assert second.stdout.read() == "taken\n"
    assert not list(tmp_path.rglob("*.parts"))


def test_each_cell_of_a_shared_job_keeps_what_stands(job):
    design, batch = make_design(), Batch(1, 250, 3)
    job.run(3)
    simulated = {name: str(job.folder / f"{name}.parquet") for name in ("data", "truth")}
    fitters = [
        CountingFitter(
            design.fit(SCENARIO, model, "weak", batch) | {"datasets": simulated}, job.log
        )
        for model in ("centered", "pooled")
    ]
    files = {name: [str(job.folder / f"c/{name}.parquet"), job.files[name]] for name in TABLES}
    job.log.write_text("")
    batches.fit_files(fitters, files)
    assert job.log.read_text().split() == ["1", "2", "3"]  # the pooled ones stand
    table = tables.read_frame([files["estimates"][0]])
    assert set(table["model"]) == {"centered"}
    cost = [tables.read_seconds(file)["start"] for file in files["diagnostics"]]
    assert cost[0] > 0


def test_a_fit_that_is_made_again_is_the_same_in_all_tables(job):
    """A table was deleted, and the fit goes differently the second time."""
    job.run(3)
    Path(job.files["diagnostics"]).unlink()
    job.shift = 100.0
    assert job.run(3) == [1, 2, 3]
    assert job.numbers()["estimates"]["mean"].tolist() == [101.1, 102.1, 103.1]
    assert job.numbers()["groups"]["rmse"].tolist() == [101.1, 102.1, 103.1]
