"""Run the benchmarks, print their table, and write it to results/benchmarks/.

Usage: run.py [programs] [priors] [plan] [scoring] [pipeline]; all by default.
"""

import csv
import os
import platform
import sys
from importlib.metadata import version

import pipeline
import plan
import priors
import programs
import scoring
from common import ROOT, Row

PARTS = {
    "programs": programs.measure,
    "priors": priors.measure,
    "plan": plan.measure,
    "scoring": scoring.measure,
    "pipeline": pipeline.measure,
}


def main() -> None:
    """Measure what is asked for; a line is printed as soon as it is known."""
    asked = sys.argv[1:] or list(PARTS)
    rows = [Row("machine", name, "", value, "") for name, value in _machine().items()]
    folder = ROOT / "results" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    for part in asked:
        for row in PARTS[part]():
            print(*row, sep="; ", file=sys.stderr)
            rows.append(row)
    with (folder / "benchmarks.csv").open("w", newline="") as file:
        csv.writer(file).writerows([Row._fields, *rows])
    (folder / "benchmarks.md").write_text(_table(rows))
    print(_table(rows), end="")


def _machine() -> dict[str, str]:
    return {
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        **{name: version(name) for name in ("snakemake", "stanli", "arviz-stats")},
    }


def _table(rows: list[Row]) -> str:
    """Return the rows as Markdown."""
    cells = [("benchmark", "case", "measure", "value"), ("---", "---", "---", "---:")]
    cells += [(row.benchmark, row.case, row.measure, _shown(row)) for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _shown(row: Row) -> str:
    if isinstance(row.value, str) or row.value != row.value:
        return str(row.value)
    digits = 0 if row.value >= 100 else 1
    return f"{row.value:,.{digits}f} {row.unit}"


if __name__ == "__main__":
    main()
