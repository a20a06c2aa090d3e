"""Running the workflow in a copy of the repository, as a user would."""

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "environment.yml", "workflow", "stan", "config", "profiles")
TIMINGS = ["warmup_seconds", "sampling_seconds", "other_seconds"]
SECONDS = 3600  # ends only a run that hangs, however slow the machine

SMALL = {
    "name": "small",
    "title": "A small study <script>alert(1)</script>",
    "seed": 1,
    "replicates": 3,
    "truths": {
        "plain": {
            "b": {"Intercept": 0.5, "x": 1},
            "sd": {"participant": {"Intercept": 1, "x": 0.5}},
            "cor": {"participant": 0.3},
            "sigma": 1,
        }
    },
    "participants": [4, 6],
    "observations": [5],
    "models": ["pooled", "noncentered"],
    "priors": {
        "weak": {
            "Intercept": "normal(0, 1)",
            "b": "normal(0, 1)",
            "sd": "exponential(1)",
            "cor": "lkj(2)",
            "sigma": "exponential(1)",
        }
    },
    "sampler": {"chains": 2, "warmup": 100, "draws": 100},
}
SLEEPSTUDY = {
    "path": "config/data/sleepstudy.csv",
    "columns": {"participant": "Subject", "x": "Days", "y": "Reaction"},
    "standardize": True,
}
SUMMARY = "results/small/summary/performance.parquet"


def heed_interrupts():
    """Let a run end on SIGINT, which all that a shell starts in its background ignores."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def check_out(folder: Path) -> "Checkout":
    """Copy what a run needs of the repository."""
    for part in PARTS:
        source, target = ROOT / part, folder / part
        if source.is_dir():
            shutil.copytree(source, target)  # with bytecode, so that every copy starts fast
        else:
            shutil.copy(source, target)
    return Checkout(folder)


@dataclass(frozen=True)
class Checkout:
    """A copy of the repository with a study in it."""

    folder: Path

    def copy(self, folder: Path) -> "Checkout":
        """Copy it with its results and Snakemake's memory."""
        return Checkout(shutil.copytree(self.folder, folder))

    def write(self, **changes) -> str:
        """Write the small study with some keys changed; return its file."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump({**SMALL, **changes}))
        return "study.yaml"

    def study(self) -> dict:
        """Return the study's content."""
        return yaml.safe_load((self.folder / "study.yaml").read_text())

    def change(self, **changes) -> None:
        """Change some keys of the study."""
        (self.folder / "study.yaml").write_text(yaml.safe_dump({**self.study(), **changes}))

    def snakemake(self, *arguments: str, environment: dict | None = None):
        """Run plain Snakemake on the study; return the finished process."""
        command = ["-m", "snakemake", "--configfile", "study.yaml", *arguments]
        return self.python(*command, environment=environment)

    def make_study(self, *arguments: str):
        """Do what `make study STUDY=study.yaml` does."""
        return self.python("workflow/run.py", "study.yaml", *arguments)

    def python(self, *arguments: str, environment: dict | None = None):
        """Run Python in the copy."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def planned(self, *arguments: str) -> dict[str, int]:
        """Return how many jobs of each rule a run would do; shared jobs count for their rule."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stderr
        counts, lines = {}, iter((done.stdout + done.stderr).splitlines())
        for line in lines:
            if line.startswith("job ") and "count" in line:
                next(lines)
                for row in lines:
                    if not row.strip():
                        break
                    rule, count = row.split()
                    rule = re.sub(r"_shared_\d+$", "", rule)
                    counts[rule] = counts.get(rule, 0) + int(count)
                break
        counts.pop("total", None)
        return counts

    def fits_made(self) -> dict[tuple, tuple]:
        """Return every fit of the study's tables and its times: one made again has other times.

        The keys are scenario, model, prior and replicate.
        """
        files = (self.folder / "results/small/diagnostics").rglob("*.parquet")
        table = pd.concat(map(pd.read_parquet, files))
        keys = table[["scenario", "model", "prior", "replicate"]].itertuples(index=False, name=None)
        return dict(zip(keys, table[TIMINGS].itertuples(index=False, name=None), strict=True))

    def numbers(self) -> dict[str, pd.DataFrame]:
        """Return every table of estimates and diagnostics, timings left out, sorted."""
        results = self.folder / "results" / "small"
        found = {}
        for table in ("data", "truth", "estimates", "groups", "diagnostics"):
            files = sorted((results / table).rglob("*.parquet"))
            whole = pd.concat([_with_cell(file, results) for file in files])
            whole = whole.drop(columns=TIMINGS, errors="ignore")
            found[table] = whole.sort_values(list(whole.columns)).reset_index(drop=True)
        return found


def _with_cell(file: Path, results: Path) -> pd.DataFrame:
    return pd.read_parquet(file).assign(place=str(file.parent.relative_to(results)))


def assert_same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    """Check that two studies' numbers are identical to the last bit."""
    assert one.keys() == other.keys()
    for table, frame in one.items():
        pd.testing.assert_frame_equal(frame, other[table], check_exact=True, obj=table)


def assert_same_part(part: dict[str, pd.DataFrame], whole: dict[str, pd.DataFrame]) -> None:
    """Check that a study has the numbers of a study of more cells."""
    cells = {table: whole[table]["place"].isin(frame["place"]) for table, frame in part.items()}
    assert_same(
        part, {table: whole[table][rows].reset_index(drop=True) for table, rows in cells.items()}
    )
