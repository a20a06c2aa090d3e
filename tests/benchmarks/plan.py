"""Time and memory of `snakemake -n` for studies of 10,000 to a million fits."""

import sys
import tempfile
from pathlib import Path

from common import PRIOR, TRUTH, Row, check_out, spent, study

# Fits: truths, replicates; times 5 participant counts, 4 models, 5 priors, batches of 250.
SHAPES = {"10,000 fits": (1, 100), "100,000 fits": (1, 1000), "1,000 x 1,000 fits": (10, 1000)}


def measure() -> list[Row]:
    """Measure many cells, and few cells of many replicates."""
    rows = []
    for case, (truths, replicates) in SHAPES.items():
        content = _study(truths, replicates, participants=[4, 5, 6, 7, 8])
        rows += _dry_run(case, content)
    return rows + _dry_run("20 x 50,000 fits", _study(1, 50_000, participants=[4]))


def _study(truths: int, replicates: int, participants: list[int]) -> dict:
    return study(
        "dag",
        replicates=replicates,
        batch=250,
        participants=participants,
        observations=[5],
        models=["pooled", "centered", "noncentered", "marginal"],
        truths={f"t{i}": {**TRUTH, "sigma": 1.0 + i} for i in range(truths)},
        priors={f"p{i}": {**PRIOR, "b": f"normal(0, {1 + i})"} for i in range(5)},
    )


def _dry_run(case: str, content: dict) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        check_out(Path(folder), content)
        command = [sys.executable, "-m", "snakemake", "-n", "-q", "--configfile", "study.yaml"]
        cost = spent(command, Path(folder))
    return [
        Row("plan (snakemake -n)", case, "time", cost.wall, "s"),
        Row("plan (snakemake -n)", case, "memory", cost.memory, "MB"),
    ]
