"""Where everything of a study lies, as patterns that the rules and the library share.

Braces hold Snakemake's wildcards; `str.format` fills them. All paths are relative to the
working directory.
"""

from __future__ import annotations

RESULTS = "results/{study}"
OBSERVED_BATCH = "00001-00001"  # the one batch of an observed dataset

_BATCH = "{scenario}/{batch}"
_FITS = "{scenario}/{model}/{prior}/{batch}"
_OBSERVED_FIT = f"{{dataset}}/{{model}}/{{prior}}/{OBSERVED_BATCH}"

OBSERVED_DATA = f"{RESULTS}/observed/data/{{dataset}}/{OBSERVED_BATCH}.parquet"
PROGRAM = f"{RESULTS}/programs/{{model}}-{{version}}"
FAMILY_TRIAL = f"{RESULTS}/family.txt"
FIGURE_COSTS = f"{RESULTS}/figures/costs.parquet"
REPORT = f"{RESULTS}/report.html"
MANIFEST = f"{RESULTS}/manifest.json"
OUTCOME = f"{RESULTS}/outcome.txt"


def simulated(table: str) -> str:
    """Return the pattern of `data` or `truth`: a file a scenario and batch."""
    return f"{RESULTS}/{table}/{_BATCH}.parquet"


def fitted(table: str) -> str:
    """Return the pattern of a table of fits: a file a cell and batch."""
    return f"{RESULTS}/{table}/{_FITS}.parquet"


def verified(table: str) -> str:
    """Return the pattern of a table of the fits that the verifying engine makes."""
    return f"{RESULTS}/verified/{table}/{_FITS}.parquet"


def observed(table: str) -> str:
    """Return the pattern of a table of one fit to an observed dataset."""
    return f"{RESULTS}/observed/{table}/{_OBSERVED_FIT}.parquet"


def summary(table: str, suffix: str = "parquet") -> str:
    """Return the pattern of a summary table."""
    return f"{RESULTS}/summary/{table}.{suffix}"


def figure(name: str, suffix: str) -> str:
    """Return the pattern of a figure."""
    return f"{RESULTS}/figures/{name}.{suffix}"


def latex(table: str) -> str:
    """Return the pattern of a table in LaTeX."""
    return f"{RESULTS}/tables/{table}.tex"


def log(job: str) -> str:
    """Return the pattern of the log of a job, named by its rule and wildcards."""
    return f"{RESULTS}/logs/{job}.log"


def benchmark(job: str) -> str:
    """Return the pattern of the benchmark of a job, named by its rule and wildcards."""
    return f"{RESULTS}/benchmarks/{job}.tsv"
