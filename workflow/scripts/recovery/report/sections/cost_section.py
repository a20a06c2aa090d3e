"""Processor time of the study by step."""

from __future__ import annotations

from typing import Any

import pandas as pd
import psutil

STEPS = {
    "warmup": "Sampler, warmup",
    "draws": "Sampler, draws",
    "estimators": "Estimators",
    "fits": "Diagnostics and summaries of fits",
    "start": "Start of fit jobs (Python and imports)",
    "tables": "Reading and writing tables in fit jobs",
    "simulate": "Simulation",
    "summarise": "Summary tables",
    "figures": "Figures",
    "snakemake": "Snakemake (in the run that wrote this page)",
}


def rows(costs: pd.DataFrame) -> list[dict[str, Any]]:
    """Return processor seconds and share of the total for each step."""
    seconds = dict(zip(costs["step"], costs["seconds"], strict=True))
    total = sum(seconds.values())
    return [
        {"label": label, "seconds": seconds[step], "share": seconds[step] / total}
        for step, label in STEPS.items()
        if step in seconds
    ]


def in_sampler(costs: pd.DataFrame) -> float:
    """Return the share of all processor time that the sampler took."""
    sampler = costs["step"].isin(["warmup", "draws"])
    return costs.loc[sampler, "seconds"].sum() / costs["seconds"].sum()


def by_snakemake() -> dict[str, float]:
    """Return the processor seconds of the Snakemake process that runs this job, without its jobs.

    The result is empty if the parent of this process is not Snakemake.
    """
    parent = psutil.Process().parent()
    if parent is None or not any("snakemake" in part for part in parent.cmdline()):
        return {}
    times = parent.cpu_times()
    return {"snakemake": times.user + times.system}
