"""The summary tables of a study, computed one scenario at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from recovery import tables
from recovery.common import jobs
from recovery.common.errors import StudyError
from recovery.common.worker import ChildLostError, in_child
from recovery.families.family import Family, Values
from recovery.families.priors import cannot_be_zero, fixed_by
from recovery.fit import datasets
from recovery.plan import identities
from recovery.plan.design import Cell, Design
from recovery.score import (
    calibration,
    decision_rates,
    design_effects,
    efficiency,
    measures,
    planning,
    precision,
    prior_prediction,
    selection,
    verification,
)
from recovery.score.measures import fit_outcomes
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR, has_intervals, method


def summarise(design: Design) -> dict[str, pd.DataFrame]:
    """Return all summary tables of a study, by name.

    One scenario is read at a time, so memory grows with the replicates of a scenario, not with
    the number of scenarios.

    Raises
    ------
    StaleTableError
        When the identity of a file is not that of the study.
    """
    identities.check(design)
    parts: dict[str, list[pd.DataFrame]] = {}
    spent = dict.fromkeys(("warmup", "draws", "fits", "start", "tables", "simulate"), 0.0)
    spent |= {"estimators": 0.0} if design.study.estimators else {}
    means: dict[str, design_effects.Means] = {}
    for name in design.scenarios:
        for table, part in _scenario_tables(design, name, spent, means).items():
            parts.setdefault(table, []).append(part)
        for batch in design.data_batches(name):
            file = design.dataset_file("truth", name, batch)
            spent["simulate"] += sum(tables.read_seconds(file).values())
    summary = {table: pd.concat(part) for table, part in parts.items()}
    summary["calibration"] = calibration.with_verdicts(summary["calibration"], measures.CELL)
    values = without_undefined_measures(
        planning.planned_values(summary["performance"], summary["decisions"])
    )
    summary["planning"] = planning.participants_needed(
        values, design.study.planning or {}, design.study.counted_sizes
    )
    summary["design_effects"] = design_effects.table(design, means)
    summary["verification"] = verification.summary(design)
    summary |= prior_prediction.predicted(design)
    spent["summarise"] = jobs.processor_seconds()
    # Values that overflowed become null; their rows still have the number of fits.
    summary = {name: table.replace([np.inf, -np.inf], np.nan) for name, table in summary.items()}
    return summary | {"costs": efficiency.costs(spent)}


def _scenario_tables(
    design: Design,
    name: str,
    spent: dict[str, float],
    means: dict[str, design_effects.Means],
) -> dict[str, pd.DataFrame]:
    """One scenario's part of the summary tables; adds to the costs of jobs and to the means."""
    scenario, study = design.scenarios[name], design.study
    fits, groups, outcomes, costs, verdicts = {}, {}, [], [], []
    evidence = {}
    for cell in design.cells:
        if cell[0] != name:
            continue
        key = dict(zip(measures.CELL, cell, strict=True))
        diagnostics = tables.read_frame(design.cell_files("diagnostics", cell))
        jobs = [tables.read_seconds(file) for file in design.cell_files("diagnostics", cell)]
        if design.fitted(cell) == cell:
            _add_costs(spent, cell[1] in study.estimators, diagnostics, jobs)
        converged = measures.converged_replicates(diagnostics)
        fits[cell[1:]] = measures.Fits(_estimates(design, cell), converged)
        verdicts.append(_calibration(design, cell, diagnostics).assign(**key))
        groups[cell[1:]] = tables.read_frame(design.cell_files("groups", cell))
        if "evidence" in design.tables_of(cell):
            evidence[cell[1:]] = tables.read_frame(design.cell_files("evidence", cell))
        threshold = study.convergence.min_ebfmi
        counts = measures.convergence(diagnostics, study.replicates, threshold)
        causes = fit_outcomes.causes(diagnostics, study.convergence, study.sampler.chains)
        outcomes.append(counts.assign(**key, **causes))
        job_seconds = sum(sum(job.values()) for job in jobs)
        size = sum(_size(design, table, cell) for table in design.tables_of(cell))
        costs.append(key | efficiency.cell_costs(diagnostics, job_seconds, size))
    performance = measures.performance(fits, study.replicates)
    converged_fits = {cell: each.converged for cell, each in fits.items()}
    level = study.plotted_level
    fitted = {cell: each for cell, each in fits.items() if cell in design.fits}
    means[name] = design_effects.scenario_means(fitted, level)
    parts = {
        "performance": performance,
        "precision": precision.replicates_needed(
            without_undefined_measures(performance), study.precision, level, study.replicates, fits
        ),
        "comparison": measures.comparison(fits),
        **decision_rates.of_scenario(study.decisions, fits, evidence, study.replicates),
        "groups": measures.groups(groups, converged_fits),
        "selection": selection.rates_of_scenario(design, name, converged_fits),
        "calibration": pd.concat(verdicts),
        "convergence": pd.concat(outcomes),
        "efficiency": pd.DataFrame(costs),
    }
    factors = {
        "scenario": name,
        "truth": scenario.truth,
        "participants": scenario.participants,
        "observations": scenario.observations if scenario.observations else np.nan,
        **{f"n_{name}": number for name, number in scenario.sizes},
    }
    return {table: part.assign(**factors) for table, part in parts.items()}


def _estimates(design: Design, cell: Cell) -> dict[str, measures.Replicates]:
    """The estimates of every parameter that the model of a cell estimates."""
    study, family = design.study, design.family
    intervals = {level: tables.interval_columns(level) for level in study.levels}
    densest = {level: tables.highest_density_columns(level) for level in study.levels}
    columns = ["replicate", "parameter", "truth", "mean", "median", "sd", "mcse_mean"]
    columns += [
        *tables.quantile_columns(study.levels),
        *(n for pair in densest.values() for n in pair),
    ]
    files = design.cell_files("estimates", cell)
    estimates = tables.read_frame(files, columns, categories=["parameter"])
    prior = study.priors.get(cell[2])  # None of an estimator
    scored = [name for name in method(family, cell[1]).scored if name not in fixed_by(prior)]
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
            densest,
            scale=_scale(family, name),
            one_sided=name in family.POSITIVE or cannot_be_zero(prior, name),
            prior_sd=prior_sd.get(name, np.nan),
        )
        for name in scored
    }


def _scale(family: Family, parameter: str) -> str:
    """The other scale of a parameter; empty if it has none."""
    if parameter in family.POSITIVE:
        return "log"
    return "fisher_z" if parameter in family.CORRELATIONS else ""


def prior_standard_deviations(study: Study, prior: str, model: str) -> Values:
    """Return the known prior standard deviations of a model's parameters.

    Raises
    ------
    StudyError
        When `prior_sd` of a researcher's own family fails, crashes or takes too long.
    """
    family = study.scored_family
    seconds = study.guest_seconds
    with in_child(partial(_prior_sd, family, study, prior), seconds, "prior_sd") as prior_sd:
        try:
            return prior_sd(model)
        except ChildLostError as lost:
            raise StudyError(f"{study.family}: prior_sd: {lost}") from None


def _prior_sd(family: Family, study: Study, prior: str, model: str) -> Values:
    return family.prior_sd(study.priors[prior], model)


def without_undefined_measures(performance: pd.DataFrame) -> pd.DataFrame:
    """Return the table without measures that a method cannot have: a mode has no coverage."""
    undefined = ~performance["model"].map(has_intervals) & performance["value"].isna()
    return performance[~undefined]


def _calibration(design: Design, cell: Cell, diagnostics: pd.DataFrame) -> pd.DataFrame:
    """P-values of the ranks of a cell, or why calibration does not apply to it."""
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
    """Raise StaleTableError for estimates whose truth is not that of the current observed fit."""
    source = design.observed_source(cell[0])
    if source is None:
        return
    file = design.observed_file("estimates", source.data, source.model, source.prior)
    identity = design.fit_observed(source.data, source.model, source.prior)["identity"]
    family = design.family
    truth = family.truth_from_estimates(datasets.read_means(file, identity))
    values = family.with_estimands(family.values_of(truth))
    expected = estimates["parameter"].astype(object).map(values)
    if (estimates["truth"] != expected).any():
        batches = design.data_batches(cell[0])
        truths = [design.dataset_file("truth", cell[0], batch) for batch in batches]
        raise tables.stale_tables_error(truths + design.cell_files("estimates", cell))


def observed_fits(design: Design) -> tuple[pd.DataFrame, ...]:
    """Return population estimates, attempts, `loo` and answers of fits to observed data.

    The attempts are the final ones, the answers those to the study's decisions. All are empty if
    the study has no observed data.
    """
    family, cells = design.family, design.observed_cells
    if not cells:
        return (pd.DataFrame(),) * 4
    estimates = pd.concat([_observed(design, "estimates", cell) for cell in cells])
    attempts = [_observed(design, "diagnostics", cell) for cell in cells]
    final = pd.concat([measures.final_attempts(each) for each in attempts])
    with_loo = [cell for cell in cells if "loo" in design.tables_of(cell)]
    loo = [_observed(design, "loo", cell) for cell in with_loo]
    return (
        estimates[estimates["parameter"].isin(family.PARAMETERS)],
        final,
        pd.concat(loo) if loo else pd.DataFrame(),
        decision_rates.observed_answers(design),
    )


def _observed(design: Design, table: str, cell: Cell) -> pd.DataFrame:
    """A table of one fit to observed data, under the prior of the cell."""
    return tables.read_frame([design.observed_file(table, *cell)]).assign(prior=cell[2])
