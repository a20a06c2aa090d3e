"""Where the processor time went."""

from __future__ import annotations

from typing import Any

import pandas as pd
import psutil

STEPS = {
    "warmup": "Sampler, warmup",
    "draws": "Sampler, draws",
    "estimators": "Estimators",
    "fits": "Diagnostics and summaries of fits",
    "start": "Start of fit jobs: Python and its imports",
    "tables": "Tables of fit jobs, read and written",
    "simulate": "Simulating",
    "summarise": "Scoring",
    "figures": "Drawing",
    "snakemake": "Snakemake, in the run that wrote this page",
}


def rows(costs: pd.DataFrame) -> list[dict[str, Any]]:
    """A row a step: its processor seconds, and its share of all."""
    seconds = dict(zip(costs["step"], costs["seconds"], strict=True))
    total = sum(seconds.values())
    return [
        {"label": label, "seconds": seconds[step], "share": seconds[step] / total}
        for step, label in STEPS.items()
        if step in seconds
    ]


def in_sampler(costs: pd.DataFrame) -> float:
    """Return the share of all processor time that was spent inside the sampler."""
    inside = costs["step"].isin(["warmup", "draws"])
    return costs.loc[inside, "seconds"].sum() / costs["seconds"].sum()


def by_snakemake() -> dict[str, float]:
    """Return the processor seconds of the Snakemake that runs this job, without its jobs'.

    Nothing where the parent of this process is not Snakemake.
    """
    parent = psutil.Process().parent()
    if parent is None or not any("snakemake" in part for part in parent.cmdline()):
        return {}
    spent = parent.cpu_times()
    return {"snakemake": spent.user + spent.system}
