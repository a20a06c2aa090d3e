"""The summary tables of a study, one scenario at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from recovery import families, measures, tables
from recovery.design import Design, Scenario, prior_predictive_seed

PREDICTIVE_DRAWS = 100


class OtherStudyError(Exception):
    """A table was not made by this study; the message says which, and the cure."""


def summarise(design: Design) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables `performance` and `convergence` of a study.

    Raises
    ------
    OtherStudyError
        When a file's identity is not what the study asks for.
    """
    performance, convergence = [], []
    for name, scenario in design.scenarios.items():
        check_identities(design, name)
        diagnostics = tables.read_frame(design.cell_files("diagnostics", name))
        cells = [cell for cell in design.cells if cell[0] == name]
        convergence.append(
            _described(measures.convergence(diagnostics, cells, design.study.replicates), scenario)
        )
        performance.append(_described(_performance(design, name, diagnostics), scenario))
    return pd.concat(performance), pd.concat(convergence)


def _performance(design: Design, scenario: str, diagnostics: pd.DataFrame) -> pd.DataFrame:
    study = design.study
    family = families.find(study.family)
    intervals = {level: tables.interval_columns(level) for level in study.intervals}
    quantiles = tables.quantile_columns(study.intervals)
    wanted = [*measures.CELL, "replicate", "parameter", "truth", "mean", "sd", *quantiles]
    estimates = tables.read_frame(design.cell_files("estimates", scenario), wanted)
    estimates = estimates[estimates["parameter"].isin(family.PARAMETERS)]
    return measures.performance(estimates, diagnostics, intervals)


def _described(table: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """The scenario's own columns, beside its name."""
    return table.assign(
        truth=scenario.truth,
        participants=scenario.participants,
        observations=scenario.observations if scenario.observations else np.nan,
    )


def check_identities(design: Design, scenario: str) -> None:
    """Refuse a scenario's tables that another study, or another version of this one, made."""
    study = design.study
    for batch, model, prior in product(design.batches(scenario), study.models, study.priors):
        cell = (scenario, model, prior)
        wanted = design.fit(*cell, batch)["identity"]
        for table in ("estimates", "diagnostics"):
            file = design.cell_file(table, cell, batch)
            if not tables.are_current([file], wanted):
                raise OtherStudyError(
                    f"{file}: was made by another study file, program or version than this one. "
                    f"Make it again with: snakemake --cores all --force {file}"
                )


def prior_predictive(design: Design) -> pd.DataFrame:
    """Return lines that each prior expects before any data: one participant a draw.

    Returns
    -------
    DataFrame
        prior, draw, x, y; two or more rows a line.
    """
    study = design.study
    family = families.find(study.family)
    observations = study.observations[0] if study.observations else 10
    parts = []
    for name, prior in study.priors.items():
        seed = prior_predictive_seed(study.seed, prior.model_dump(mode="json"))
        rng = np.random.default_rng(seed)
        for draw in range(1, PREDICTIVE_DRAWS + 1):
            columns, values = family.simulate(family.draw_truth(prior, rng), 1, observations, rng)
            grid = family.line_grid(columns)
            line = {"x": grid[family.AXES.x], "y": family.expected(values, grid)}
            parts.append(pd.DataFrame({"prior": name, "draw": draw, **line}))
    return pd.concat(parts)


def observed_estimates(design: Design) -> pd.DataFrame:
    """Return the estimates of population parameters from every fit to observed data."""
    family = families.find(design.study.family)
    files = [design.observed_file("estimates", *cell) for cell in design.observed_cells]
    if not files:
        return pd.DataFrame(columns=[*measures.CELL, "parameter"])
    estimates = tables.read_frame(files)
    return estimates[estimates["parameter"].isin(family.PARAMETERS)]
