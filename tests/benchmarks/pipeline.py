"""What the workflow adds to the sampler, and what it gains over one Snakemake job a fit."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from common import STAN, Row, Spent, check_out, datasets, spent, study

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
        yield from _shares(Path(folder), cost, marginal)
    yield from _throughput()
    hourly = 3600 * marginal / cost.wall
    naive = _naive("marginal", SMALL)
    case = f"{SMALL[0]} x {SMALL[1]}, marginal in both"
    yield Row("naive pipeline", case, "its fits", naive, "an hour")
    yield Row("naive pipeline", case, "our fits", hourly, "an hour")
    yield Row("naive pipeline", case, "gain of the pipeline", hourly / naive, "x")
    yield _gain_of_both(SMALL, hourly)
    yield _gain_of_both(LARGE, _hourly("marginal", LARGE))


def _shares(folder: Path, cost: Spent, replicates: int) -> Iterator[Row]:
    """Where the processor time of a run of marginal fits went."""
    files = sorted((folder / "results/bench/diagnostics").rglob("*.parquet"))
    fits = pd.concat(map(pd.read_parquet, files))
    sampler = (fits["warmup_seconds"] + fits["sampling_seconds"]).sum()
    outside = cost.processor - sampler
    case = f"{replicates:,} marginal fits, {SMALL[0]} x {SMALL[1]}"
    yield Row("run", case, "processor time in the sampler", 100 * sampler / cost.processor, "%")
    yield Row("run", case, "outside the sampler a fit", 1000 * outside / replicates, "ms")
    yield Row("run", case, "fits", 60 * replicates / cost.wall, "a minute")


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


def _gain_of_both(size: tuple[int, int], hourly: float) -> Row:
    """Our fits an hour with the marginal program over those of the naive one with non-centred."""
    case = f"{size[0]} x {size[1]}, noncentered against our marginal"
    gain = hourly / _naive("noncentered", size)
    return Row("naive pipeline", case, "gain of pipeline and program", gain, "x")


def _hourly(model: str, size: tuple[int, int]) -> float:
    replicates = 300
    with tempfile.TemporaryDirectory() as folder:
        return 3600 * replicates / _run(Path(folder), model, size, replicates).wall


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


def _naive(model: str, size: tuple[int, int]) -> float:
    """Fits an hour of the pipeline in naive.smk: a job, a process and an ArviZ summary a fit."""
    fits = NAIVE_FITS[model, size]
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(datasets(*size, fits), start=1):
            text = json.dumps(data, default=np.ndarray.tolist)
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
        return 3600 * fits / spent(command, Path(folder)).wall
