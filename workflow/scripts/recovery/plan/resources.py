"""What a job of fits asks of the machine; doubled with every attempt at the job."""

from __future__ import annotations

from math import ceil

from recovery import families
from recovery.study.model import Study

BASE = 1000  # MB: Snakemake, Python and its libraries
COPIES = 5  # of a fit's draws that are held at once


def memory(study: Study, attempt: int) -> int:
    """Return megabytes: what every job takes, and the study's largest draws several times."""
    draws = max(settings["chains"] * settings["draws"] for settings in study.attempts)
    own = len(families.find(study.family).COEFFICIENTS)  # a participant's, and as many deviations
    columns = 20 + 2 * own * max(study.participants) + 2 * own**2
    return (BASE + ceil(COPIES * 8 * draws * columns / 1e6)) * 2 ** (attempt - 1)


def minutes(study: Study, attempt: int) -> int:
    """Return an hour, or what two fits take that reach the time limit at each attempt."""
    seconds = 2 * study.sampler.time_limit * len(study.attempts)
    return max(60, 10 + ceil(seconds / 60)) * 2 ** (attempt - 1)
