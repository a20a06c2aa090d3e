"""The summary tables of a study, one scenario at a time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recovery import datasets, families, measures, tables
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
    check_identities(design)
    performance, convergence = [], []
    for name, scenario in design.scenarios.items():
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


def check_identities(design: Design) -> None:
    """Refuse tables that another study, or another version of this one, made."""
    for cell in design.observed_cells:
        wanted = design.fit_observed(*cell)["identity"]
        for table in ("estimates", "diagnostics"):
            _check(design.observed_file(table, *cell), wanted)
    for cell in design.cells:
        for batch in design.batches(cell[0]):
            wanted = design.fit(*cell, batch)["identity"]
            for table in ("estimates", "diagnostics"):
                _check(design.cell_file(table, cell, batch), wanted)
    for scenario in design.scenarios:
        _check_truth(design, scenario)


def _check(file: str, wanted: str) -> None:
    if not tables.are_current([file], wanted):
        raise OtherStudyError(
            f"{file}: was made by another study file, program or version than this one. "
            f"Make it again with: snakemake --cores all --force {file}"
        )


def _check_truth(design: Design, scenario: str) -> None:
    """Refuse datasets whose truth is not what the fit to observed data says now."""
    source = design.observed_source(scenario)
    if source is None:
        return
    family = families.find(design.study.family)
    file = design.observed_file("estimates", source.data, source.model, source.prior)
    means = datasets.read_means(file)
    for batch in design.batches(scenario):
        used = design.dataset_file("truth", scenario, batch)
        table = tables.read(used, ["parameter", "truth"])
        for parameter in family.PARAMETERS:
            if (table["truth"][table["parameter"] == parameter] != means[parameter]).any():
                raise OtherStudyError(
                    f"{used}: its {parameter} is not the posterior mean in {file}. "
                    f"Make it again with: snakemake --cores all --force {used}"
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


def observed(design: Design) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return population estimates and diagnostics of every fit to observed data."""
    family, cells = families.find(design.study.family), design.observed_cells
    if not cells:
        return pd.DataFrame(), pd.DataFrame()
    estimates, diagnostics = (
        tables.read_frame([design.observed_file(table, *cell) for cell in cells])
        for table in ("estimates", "diagnostics")
    )
    return estimates[estimates["parameter"].isin(family.PARAMETERS)], diagnostics
