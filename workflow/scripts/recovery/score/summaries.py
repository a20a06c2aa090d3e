"""The summary tables of a study, one scenario at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from recovery import families, tables
from recovery.common import jobs
from recovery.common.errors import StudyError
from recovery.common.worker import ChildLostError, in_child
from recovery.families.family import Columns, Family, SimulationError, Values
from recovery.fit import datasets
from recovery.plan import identities
from recovery.plan.design import Cell, Design
from recovery.plan.seeds import prior_predictive_seed
from recovery.score import (
    calibration,
    efficiency,
    measures,
    planning,
    precision,
    selection,
    verification,
)
from recovery.score.measures import fit_outcomes
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR, has_intervals, method

PREDICTIVE_DRAWS = 100


def summarise(design: Design) -> dict[str, pd.DataFrame]:
    """Return every summary table of a study, by its name.

    One scenario is read at a time, so that memory grows with its replicates, not with the
    study.

    Raises
    ------
    StaleTableError
        When a file's identity is not what the study asks for.
    """
    identities.check(design)
    parts: dict[str, list[pd.DataFrame]] = {}
    spent = dict.fromkeys(("warmup", "draws", "fits", "start", "tables", "simulate"), 0.0)
    spent |= {"estimators": 0.0} if design.study.estimators else {}
    for name in design.scenarios:
        for table, part in _of_scenario(design, name, spent).items():
            parts.setdefault(table, []).append(part)
        for batch in design.batches(name):
            file = design.dataset_file("truth", name, batch)
            spent["simulate"] += sum(tables.read_seconds(file).values())
    found = {table: pd.concat(part) for table, part in parts.items()}
    found["calibration"] = calibration.with_verdicts(found["calibration"], measures.CELL)
    wanted, level = design.study.planning or {}, design.study.plotted_level
    found["planning"] = planning.participants_needed(
        without_undefined_measures(found["performance"]), wanted, level
    )
    found["verification"] = verification.summary(design)
    found["prior_predictive"] = prior_predictive(design)
    spent["summarise"] = jobs.processor_seconds()
    # What overflowed is no number; as a null it stands beside how many fits it would rest on.
    found = {name: table.replace([np.inf, -np.inf], np.nan) for name, table in found.items()}
    return found | {"costs": efficiency.costs(spent)}


def _of_scenario(design: Design, name: str, spent: dict[str, float]) -> dict[str, pd.DataFrame]:
    """One scenario's part of the summary tables; what its jobs cost is added to `spent`."""
    scenario, study = design.scenarios[name], design.study
    fits, people, went, cost, calibrated = {}, {}, [], [], []
    for cell in design.cells:
        if cell[0] != name:
            continue
        key = dict(zip(measures.CELL, cell, strict=True))
        diagnostics = tables.read_frame(design.cell_files("diagnostics", cell))
        jobs = [tables.read_seconds(file) for file in design.cell_files("diagnostics", cell)]
        _add_costs(spent, cell[1] in study.estimators, diagnostics, jobs)
        went_well = measures.converged_replicates(diagnostics)
        fits[cell[1:]] = measures.Fits(_estimates(design, cell), went_well)
        calibrated.append(_calibration(design, cell, diagnostics).assign(**key))
        people[cell[1:]] = tables.read_frame(design.cell_files("participants", cell))
        threshold = study.convergence.min_ebfmi
        outcomes = measures.convergence(diagnostics, study.replicates, threshold)
        causes = fit_outcomes.causes(diagnostics, study.convergence, study.sampler.chains)
        went.append(outcomes.assign(**key, **causes))
        job_seconds = sum(sum(job.values()) for job in jobs)
        size = sum(_size(design, table, cell) for table in design.tables_of(cell))
        cost.append(key | efficiency.cell_costs(diagnostics, job_seconds, size))
    performance = measures.performance(fits, study.replicates)
    converged = {cell: each.converged for cell, each in fits.items()}
    level = study.plotted_level
    found = {
        "performance": performance,
        "precision": precision.replicates_needed(
            without_undefined_measures(performance), study.precision, level, study.replicates, fits
        ),
        "comparison": measures.comparison(fits),
        "participants": measures.participants(people, converged),
        "selection": selection.rates_of_scenario(design, name, converged),
        "calibration": pd.concat(calibrated),
        "convergence": pd.concat(went),
        "efficiency": pd.DataFrame(cost),
    }
    described = {
        "scenario": name,
        "truth": scenario.truth,
        "participants": scenario.participants,
        "observations": scenario.observations if scenario.observations else np.nan,
    }
    return {table: part.assign(**described) for table, part in found.items()}


def _estimates(design: Design, cell: Cell) -> dict[str, measures.Replicates]:
    """The estimates of every parameter that a cell's model answers for."""
    study, family = design.study, design.family
    intervals = {level: tables.interval_columns(level) for level in study.intervals}
    columns = ["replicate", "parameter", "truth", "mean", "sd", "mcse_mean"]
    columns += tables.quantile_columns(study.intervals)
    files = design.cell_files("estimates", cell)
    estimates = tables.read_frame(files, columns, categories=["parameter"])
    scored = method(family, cell[1]).scored
    prior_sd = {}
    if cell[2] != NO_PRIOR:
        prior_sd = prior_standard_deviations(study, cell[2], study.sampled_model(cell[1]))
    estimates = estimates[estimates["parameter"].isin(scored)]
    _check_truth(design, cell, estimates)
    rows = estimates.groupby("parameter", sort=False, observed=True).indices
    return {
        name: measures.from_table(
            estimates.iloc[rows.get(name, [])],
            intervals,
            positive=name in family.POSITIVE,
            prior_sd=prior_sd.get(name, np.nan),
        )
        for name in scored
    }


def prior_standard_deviations(study: Study, prior: str, model: str) -> Values:
    """Return prior standard deviations of a model's parameters, where they are known.

    Raises
    ------
    StudyError
        When a researcher's own function for them fails, crashes or takes too long.
    """
    family = families.find(study.family)
    seconds = study.guest_seconds
    with in_child(partial(_prior_sd, family, study, prior), seconds, "prior_sd") as prior_sd:
        try:
            return prior_sd(model)
        except ChildLostError as lost:
            raise StudyError(f"{study.family}: prior_sd: {lost}") from None


def _prior_sd(family: Family, study: Study, prior: str, model: str) -> Values:
    return family.prior_sd(study.priors[prior], model)


def without_undefined_measures(performance: pd.DataFrame) -> pd.DataFrame:
    """Return the rows without measures that a method never has, as a mode has no coverage."""
    never = ~performance["model"].map(has_intervals) & performance["value"].isna()
    return performance[~never]


def _calibration(design: Design, cell: Cell, diagnostics: pd.DataFrame) -> pd.DataFrame:
    """Whether the ranks of a cell are uniform, or why they need not be."""
    study, family = design.study, design.family
    truth = design.scenarios[cell[0]].truth
    if reason := calibration.reason_not_applicable(study, family, truth, *cell[1:]):
        return calibration.not_applicable(reason)
    final = measures.final_attempts(diagnostics)
    return calibration.cell_p_values(calibration.read_ranks(design, cell), final, study.replicates)


def _add_costs(
    spent: dict[str, float], estimator: bool, diagnostics: pd.DataFrame, jobs: list[dict]
) -> None:
    columns = {"warmup": "warmup_seconds", "draws": "sampling_seconds", "fits": "other_seconds"}
    if estimator:
        columns = {"estimators": "sampling_seconds", "fits": "other_seconds"}
    for step, column in columns.items():
        spent[step] += diagnostics[column].sum()
    for step in ("start", "tables"):
        spent[step] += sum(job[step] for job in jobs)


def _size(design: Design, table: str, cell: Cell) -> int:
    return sum(Path(file).stat().st_size for file in design.cell_files(table, cell))


def _check_truth(design: Design, cell: Cell, estimates: pd.DataFrame) -> None:
    """Refuse fits scored against a truth that is not what the observed fit says now."""
    source = design.observed_source(cell[0])
    if source is None:
        return
    file = design.observed_file("estimates", source.data, source.model, source.prior)
    identity = design.fit_observed(source.data, source.model, source.prior)["identity"]
    family = design.family
    truth = family.truth_from_estimates(datasets.read_means(file, identity))
    expected = estimates["parameter"].astype(object).map(family.values_of(truth))
    if (estimates["truth"] != expected).any():
        truths = [design.dataset_file("truth", cell[0], each) for each in design.batches(cell[0])]
        raise tables.stale_tables_error(truths + design.cell_files("estimates", cell))


def prior_predictive(design: Design) -> pd.DataFrame:
    """Return what each prior says about data before there are any: one participant a draw.

    Where outcomes lie on a line, the predictor's values are those of the first participant of
    the study's first dataset; elsewhere the participant is the first of the smallest dataset.

    Returns
    -------
    DataFrame
        prior, draw, kind, x, y: points of the participant's line (`line`), and
        observations simulated around it (`outcome`). Draws from which no data can be
        simulated are left out.
    """
    study, own = design.study, _first_design(design)
    predict = _PriorPrediction(design, own)
    parts: list[pd.DataFrame] = []
    with in_child(predict, study.guest_seconds, "simulation") as predicted:
        for name in study.priors if own is not None else ():
            parts += _draws(predicted, name)
    columns = ["prior", "draw", "kind", "x", "y"]
    return pd.concat(parts) if parts else pd.DataFrame(columns=columns)


def _draws(predicted: Callable, prior: str) -> Iterator[pd.DataFrame]:
    """What each draw from a prior predicts; nothing after one that takes too long or crashes."""
    for draw in range(1, PREDICTIVE_DRAWS + 1):
        try:
            found = predicted((prior, draw))
        except ChildLostError:
            return
        except (SimulationError, StudyError):
            continue  # the figure says how many draws there are
        yield from (pd.DataFrame({"prior": prior, "draw": draw, **each}) for each in found)


class _PriorPrediction:
    """Simulates from a prior, draw after draw; called in a child, where it keeps its generators.

    Parameters
    ----------
    own : dict of ndarray or int
        What `_first_design` returned.
    """

    def __init__(self, design: Design, own: Columns | int | None):
        self.study, self.own = design.study, own
        self.family = design.family
        self.axis = self.family.AXES
        self.people = 1 if self.axis else min(self.study.participants)
        self.grid: Columns = {}
        if self.axis is not None and isinstance(own, dict):
            self.grid = self.family.line_grid(own)
        self.generators: dict[str, np.random.Generator] = {}

    def __call__(self, asked: tuple[str, int]) -> list[dict]:
        """Return the points of the participant's line and of their outcomes."""
        family, axis, prior = self.family, self.axis, self.study.priors[asked[0]]
        if asked[0] not in self.generators:
            seed = prior_predictive_seed(self.study.seed, prior.model_dump(mode="json"))
            self.generators[asked[0]] = np.random.default_rng(seed)
        rng = self.generators[asked[0]]
        truth = family.draw_truth(prior, rng)
        assert self.own is not None
        columns, values = family.simulate(truth, self.people, self.own, rng)
        first = columns[family.PARTICIPANT] == 1
        x = columns[axis.x][first] if axis else np.nan
        outcome = {"kind": "outcome", "x": x, "y": columns[family.OUTCOME][first]}
        if not axis:
            return [outcome]
        line = {"x": self.grid[axis.x], "y": family.expected(values, self.grid)}
        return [{"kind": "line", **line}, outcome]


def _first_design(design: Design) -> Columns | int | None:
    """The first participant's rows of a study's first dataset, or how many they are.

    The rows where a line is drawn over them, or where the family can take an observed design;
    none where no dataset of the first batch could be simulated.
    """
    family, name = design.family, next(iter(design.scenarios))
    scenario = design.scenarios[name]
    takes_rows = any(map(family.determines_truth, family.MODELS))
    if family.AXES is None and not takes_rows:
        return scenario.observations
    data = tables.read(design.dataset_file("data", name, design.batches(name)[0]))
    if not data["replicate"].size:
        return None
    first = (data["replicate"] == data["replicate"].min()) & (data[family.PARTICIPANT] == 1)
    return {name: data[name][first] for name in family.COLUMNS}


def observed_fits(design: Design) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return population estimates, final attempts and the table `loo` of fits to observed data.

    Empty where the study has none.
    """
    family, cells = design.family, design.observed_cells
    if not cells:
        return pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
    estimates = tables.read_frame([design.observed_file("estimates", *cell) for cell in cells])
    attempts = [tables.read_frame([design.observed_file("diagnostics", *cell)]) for cell in cells]
    final = pd.concat([measures.final_attempts(each) for each in attempts])
    having = [cell for cell in cells if "loo" in design.tables_of(cell)]
    left_out = [design.observed_file("loo", *cell) for cell in having]
    loo = tables.read_frame(left_out) if left_out else pd.DataFrame()
    return estimates[estimates["parameter"].isin(family.PARAMETERS)], final, loo
