"""The summary tables of a study, one scenario at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from recovery import datasets, families, measures, tables
from recovery.design import Design, Scenario, prior_predictive_seed

PREDICTIVE_DRAWS = 100


def summarise(design: Design) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables `performance` and `convergence` of a study.

    Raises
    ------
    StaleTableError
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
    _check_truth(design, scenario, estimates)
    scored = {model: family.MODELS[model].scored for model in study.models}
    planned = [
        (*cell, parameter)
        for cell in design.cells
        if cell[0] == scenario
        for parameter in scored[cell[1]]
    ]
    return measures.performance(estimates, diagnostics, intervals, planned)


def _described(table: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """The scenario's own columns, beside its name."""
    return table.assign(
        truth=scenario.truth,
        participants=scenario.participants,
        observations=scenario.observations if scenario.observations else np.nan,
    )


def check_identities(design: Design) -> None:
    """Refuse tables that another study, or another version of this one, made."""
    files = [
        file for file, identity in _expected(design) if not tables.are_current([file], identity)
    ]
    if files:
        raise tables.stale(files)


def _expected(design: Design) -> Iterator[tuple[str, str]]:
    """Every table that the summary rests on, with the identity that it must have."""
    for dataset in design.study.observed:
        yield design.observed_data(dataset), design.observation(dataset)["identity"]
    for cell in design.observed_cells:
        identity = design.fit_observed(*cell)["identity"]
        for table in ("estimates", "diagnostics"):
            yield design.observed_file(table, *cell), identity
    for scenario in design.scenarios:
        for batch in design.batches(scenario):
            identity = design.simulation(scenario, batch)["identity"]
            for table in ("data", "truth"):
                yield design.dataset_file(table, scenario, batch), identity
    for cell in design.cells:
        for batch in design.batches(cell[0]):
            identity = design.fit(*cell, batch)["identity"]
            for table in ("estimates", "diagnostics"):
                yield design.cell_file(table, cell, batch), identity


def _check_truth(design: Design, scenario: str, estimates: pd.DataFrame) -> None:
    """Refuse fits scored against a truth that is not what the observed fit says now."""
    source = design.observed_source(scenario)
    if source is None:
        return
    file = design.observed_file("estimates", source.data, source.model, source.prior)
    identity = design.fit_observed(source.data, source.model, source.prior)["identity"]
    means = datasets.read_means(file, identity)
    if (estimates["truth"] != estimates["parameter"].map(means)).any():
        batches = design.batches(scenario)
        data = [design.dataset_file("truth", scenario, batch) for batch in batches]
        raise tables.stale(data + design.cell_files("estimates", scenario))


def prior_predictive(design: Design) -> pd.DataFrame:
    """Return lines that each prior expects before any data: one participant a draw.

    The predictor's values are those of the study's first dataset.

    Returns
    -------
    DataFrame
        prior, draw, x, y; two or more rows a line.
    """
    study = design.study
    family = families.find(study.family)
    scenario = next(iter(design.scenarios))
    data = tables.read(design.dataset_file("data", scenario, design.batches(scenario)[0]))
    first = (data["replicate"] == 1) & (data[family.AXES.participant] == 1)
    grid = family.line_grid({name: data[name][first] for name in family.COLUMNS})
    parts = []
    for name, prior in study.priors.items():
        seed = prior_predictive_seed(study.seed, prior.model_dump(mode="json"))
        rng = np.random.default_rng(seed)
        for draw in range(1, PREDICTIVE_DRAWS + 1):
            _, values = family.simulate(family.draw_truth(prior, rng), 1, 1, rng)
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
