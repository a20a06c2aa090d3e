"""What the workflow adds to the sampler, and what it gains over one Snakemake job a fit."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml
from common import ROOT, STAN, Row, Spent, check_out, datasets, spent, stan_data, study

HERE = Path(__file__).parent
CORES = 2
SMALL = (30, 20)  # participants, observations
LARGE = (100, 50)
# Of the naive pipeline: enough that Snakemake's own start is a small part of their time.
NAIVE_FITS = {("marginal", SMALL): 60, ("noncentered", SMALL): 24, ("noncentered", LARGE): 6}


def measure() -> Iterator[Row]:
    """Measure runs of whole studies, bare samplers, and a naive pipeline."""
    marginal = 2000
    with tempfile.TemporaryDirectory() as folder:
        cost = _run(Path(folder), "marginal", SMALL, marginal)
        case = f"{marginal:,} marginal fits, {SMALL[0]} x {SMALL[1]}"
        yield from _shares(Path(folder) / "results/bench", cost, case)
        yield Row("run", case, "fits", 60 * marginal / cost.wall, "a minute")
        ours = _Output(3600 * marginal / cost.wall, _effective(Path(folder)))
    yield from _default_study()
    yield from _throughput()
    yield from _gains(f"{SMALL[0]} x {SMALL[1]}, marginal in both", ours, _naive("marginal", SMALL))
    for size, hourly in ((SMALL, ours), (LARGE, _hourly("marginal", LARGE))):
        case = f"{size[0]} x {size[1]}, noncentered against our marginal"
        yield from _gains(case, hourly, _naive("noncentered", size))


class _Output(NamedTuple):
    """What a pipeline makes in an hour."""

    fits: float
    effective: float  # mean effective draws of a fit, of its worst parameter


def _shares(results: Path, cost: Spent, case: str) -> Iterator[Row]:
    """Where the processor time of a run went."""
    files = sorted((results / "diagnostics").rglob("*.parquet"))
    fits = pd.concat(map(pd.read_parquet, files))
    sampler = fits["warmup_seconds"].sum() + fits["sampling_seconds"].sum()
    jobs = pd.read_parquet(results / "summary/costs.parquet").set_index("step")["seconds"]
    of_jobs = sampler + jobs[["fits", "start", "tables"]].sum()
    yield Row("run", case, "in the sampler, of jobs of fits", 100 * sampler / of_jobs, "%")
    yield Row("run", case, "in the sampler, of the run", 100 * sampler / cost.processor, "%")
    outside = 1000 * fits["other_seconds"].mean()
    yield Row("run", case, "diagnostics and summary of a fit", outside, "ms")


def _default_study() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = yaml.safe_load((ROOT / "config/config.yaml").read_text())
        file = check_out(folder, content)
        cost = spent([sys.executable, "workflow/run.py", file.name, "--cores", str(CORES)], folder)
        yield from _shares(folder / "results" / content["name"], cost, "the default study")


def _throughput() -> Iterator[Row]:
    """Fits a minute on two cores, beside two bare samplers that make the same fits.

    The run starts with datasets there and ends with the last fit: what a study adds once
    (plan, figures, page) is left out.
    """
    replicates = 320
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = _study("noncentered", SMALL, replicates, batch=80)
        file = check_out(folder, content)
        run = [sys.executable, "workflow/run.py", file.name, "--cores", str(CORES), "--until"]
        spent([*run, "simulate"], folder)
        ours = spent([*run, "fit"], folder).wall
        bare = [sys.executable, HERE / "bare.py", STAN / "multilevel_linear/noncentered.stan"]
        started = time.perf_counter()
        samplers = [
            subprocess.Popen([*bare, folder, str(part), str(CORES)]) for part in range(CORES)
        ]
        ended = [sampler.wait() for sampler in samplers]
        if any(ended):
            sys.exit("a bare sampler failed")
        theirs = time.perf_counter() - started
    case = f"{replicates} noncentered fits, {SMALL[0]} x {SMALL[1]}"
    yield Row("throughput", case, "fits", 60 * replicates / ours, "a minute")
    yield Row("throughput", case, "two bare samplers' fits", 60 * replicates / theirs, "a minute")
    yield Row("throughput", case, "share of two bare samplers'", 100 * theirs / ours, "%")


def _gains(case: str, ours: _Output, naive: _Output) -> Iterator[Row]:
    """Our fits and effective draws an hour over those of the naive pipeline, all counted."""
    yield Row("naive pipeline", case, "its fits", naive.fits, "an hour")
    yield Row("naive pipeline", case, "our fits", ours.fits, "an hour")
    yield Row("naive pipeline", case, "gain in fits", ours.fits / naive.fits, "x")
    draws = ours.fits * ours.effective / naive.fits / naive.effective
    yield Row("naive pipeline", case, "gain in effective draws", draws, "x")


def _hourly(model: str, size: tuple[int, int]) -> _Output:
    replicates = 300
    with tempfile.TemporaryDirectory() as folder:
        hours = _run(Path(folder), model, size, replicates).wall / 3600
        return _Output(replicates / hours, _effective(Path(folder)))


def _effective(folder: Path) -> float:
    files = (folder / "results/bench/diagnostics").rglob("*.parquet")
    return pd.concat(map(pd.read_parquet, files))["min_ess_bulk"].mean()


def _study(model: str, size: tuple[int, int], replicates: int, **changes) -> dict:
    """A study of one cell."""
    return study(
        "bench",
        replicates=replicates,
        participants=[size[0]],
        observations=[size[1]],
        models=[model],
        **changes,
    )


def _run(folder: Path, model: str, size: tuple[int, int], replicates: int) -> Spent:
    """Run a study of one cell as `make study` does."""
    file = check_out(folder, _study(model, size, replicates))
    command = [sys.executable, "workflow/run.py", file.name, "--cores", str(CORES)]
    return spent(command, folder)


def _naive(model: str, size: tuple[int, int]) -> _Output:
    """What the pipeline in naive.smk makes: a job, a process and an ArviZ summary a fit."""
    fits = NAIVE_FITS[model, size]
    with tempfile.TemporaryDirectory() as folder:
        for number, columns in enumerate(datasets(*size, fits), start=1):
            text = json.dumps(stan_data(columns, model), default=np.ndarray.tolist)
            (Path(folder) / f"data{number}.json").write_text(text)
        config = {
            "fits": fits,
            "python": sys.executable,
            "program": str(STAN / "multilevel_linear" / f"{model}.stan"),
            "include": str(STAN),
            "fit": str(HERE / "naive_fit.py"),
        }
        pairs = [f"{name}={value}" for name, value in config.items()]
        command = [sys.executable, "-m", "snakemake", "-s", HERE / "naive.smk"]
        command += ["--cores", str(CORES), "--config", *pairs]
        hours = spent(command, Path(folder)).wall / 3600
        tables = map(pd.read_csv, Path(folder).glob("summary*.csv"))
        return _Output(fits / hours, np.mean([table["ess_bulk"].min() for table in tables]))
