"""Make one named fit again, from its identity alone: its dataset, its draws, its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from recovery import families, tables
from recovery.common.errors import StudyError, listed
from recovery.engines import executables
from recovery.engines.protocol import Program
from recovery.families.family import Columns
from recovery.fit import approximation, batches, datasets, draws, estimator
from recovery.plan import identities
from recovery.plan.batch_size import Batch
from recovery.plan.design import Cell, Design
from recovery.study.methods import NO_PRIOR

TIMINGS = ("warmup_seconds", "sampling_seconds", "other_seconds")


@dataclass(frozen=True)
class Replayed:
    """The results of a fit that was made again.

    Parameters
    ----------
    estimates, diagnostics : DataFrame
        Its rows of these tables.
    draws : Path or None
        The file of its draws; None if every attempt failed, and for an estimator.
    differences : list of str or None
        Numbers that differ from the study's tables; None if these lack the fit.
    same_identity : bool
        Whether these tables have the identity that the study has now.
    """

    estimates: pd.DataFrame
    diagnostics: pd.DataFrame
    draws: Path | None
    differences: list[str] | None
    same_identity: bool


def replay(design: Design, cell: Cell, replicate: int, programs: Path) -> Replayed:
    """Simulate a dataset again and fit it again; no table of the study is needed.

    Parameters
    ----------
    cell : tuple of str
        Scenario or observed dataset, model, prior; or estimator, `no_prior`.
    programs : Path
        The folder of all Stan programs.

    Raises
    ------
    StudyError
        If the study has no such fit.
    """
    _must_be_planned(design, cell, replicate)
    if cell[0] in design.study.observed:
        specification = design.fit_observed(*cell)
        data, truth = datasets.observed_table(_observed(design, cell[0])), None
    else:
        batch = Batch(replicate, replicate, replicate)
        specification = design.fit(*cell, batch)
        data, truth = _simulated(design, cell[0], batch, programs)
    place = Path("results", design.study.name, "replay", *cell, f"{replicate:05d}.parquet")
    if cell[2] == NO_PRIOR:
        columns = batches.fit_batch(data, truth, estimator.EstimatorFitter(specification))
    else:
        program = _program(specification, programs)
        columns = _fit(specification, data, truth, program, place)
    rows = {name: pd.DataFrame(columns[name]) for name in ("estimates", "diagnostics")}
    kept = place if (rows["diagnostics"]["status"] == "ok").any() and place.exists() else None
    if kept is None:
        place.unlink(missing_ok=True)  # an empty table
    files = _files(design, cell, replicate)
    return Replayed(
        **rows,
        draws=kept,
        differences=_differences(files, replicate, rows),
        same_identity=identities.are_of(files.values(), _specification(design, cell, replicate)),
    )


def _must_be_planned(design: Design, cell: Cell, replicate: int) -> None:
    study = design.study
    known = {
        "scenario": [*design.scenarios, *study.observed],
        "model": study.methods,
        "prior": [NO_PRIOR] if cell[1] in study.estimators_without_prior else study.priors,
    }
    for (what, names), got in zip(known.items(), cell, strict=True):
        if got not in names:
            raise StudyError(f"{what}: got {got!r}, must be one of {listed(names)}")
    last = 1 if cell[0] in study.observed else study.replicates
    if not 1 <= replicate <= last:
        raise StudyError(f"replicate: got {replicate}, must be from 1 to {last}")


def _observed(design: Design, name: str) -> Columns:
    family = design.family
    return datasets.read_observed(name, design.study.observed[name], family)


def _simulated(
    design: Design, scenario: str, batch: Batch, programs: Path
) -> tuple[Columns, Columns]:
    """One replicate's rows of `data` and `truth`; a truth from observed data is fitted again."""
    source = design.observed_source(scenario)
    if source is None:
        return datasets.simulate_batch(design.simulation(scenario, batch))
    columns, cell = _observed(design, source.data), (source.data, source.model, source.prior)
    specification = design.fit_observed(*cell)
    program = _program(specification, programs)
    made = _fit(specification, datasets.observed_table(columns), None, program)
    if not made["estimates"]["mean"]:
        why = made["diagnostics"]["error"][-1]
        raise StudyError(f"{source.data}: the fit whose means are the truth failed: {why}")
    estimates = made["estimates"]
    means = dict(zip(estimates["parameter"], estimates["mean"], strict=True))
    return datasets.simulate_batch(design.simulation(scenario, batch), columns, means)


def _program(specification: Mapping[str, Any], programs: Path) -> Program:
    """A fit's program, with the study's executable if the engine needs one."""
    model = specification.get("approximates", specification["model"])
    path = families.find(specification["family"]).program(model, programs)
    return executables.of_fit(specification, str(path), str(programs))


def _fit(
    specification: Mapping[str, Any],
    data: Columns,
    truth: Columns | None,
    program: Program,
    place: Path | None = None,
) -> dict[str, dict]:
    """The rows of a batch of one fit; its draws are written to `place`."""
    with draws.writer(place, specification["identity"]) as keep:
        fitter = approximation.fitter_of(specification, program, place is not None)
        return batches.fit_batch(data, truth, fitter, keep)


def _batch(design: Design, cell: Cell, replicate: int) -> Batch:
    """The study's batch that a replicate is in."""
    return next(batch for batch in design.batches(cell) if replicate in batch.replicates)


def _files(design: Design, cell: Cell, replicate: int) -> dict[str, str]:
    """The study's tables with the rows of a fit."""
    names = ("estimates", "diagnostics")
    if cell[0] in design.study.observed:
        return {name: design.observed_file(name, *cell) for name in names}
    batch = _batch(design, cell, replicate)
    return {name: design.cell_file(name, cell, batch) for name in names}


def _specification(design: Design, cell: Cell, replicate: int) -> dict[str, Any]:
    """What decides these tables."""
    if cell[0] in design.study.observed:
        return design.fit_observed(*cell)
    return design.fit(*cell, _batch(design, cell, replicate))


def _differences(
    files: Mapping[str, str], replicate: int, rows: Mapping[str, pd.DataFrame]
) -> list[str] | None:
    """Differences from the study's rows of a fit, timings aside; None if there are no rows."""
    if not all(Path(file).exists() for file in files.values()):
        return None
    differences = []
    for name, keys in (("estimates", "parameter"), ("diagnostics", "attempt")):
        then = _rows(files[name], replicate).set_index(keys)
        if name == "diagnostics" and then.empty:
            return None
        differences += _apart(name, rows[name].set_index(keys), then)
    return differences


def _rows(file: str, replicate: int) -> pd.DataFrame:
    """One fit's rows of a table of the study."""
    table = tables.read_frame([file])
    return table[table["replicate"] == replicate].drop(columns=list(TIMINGS), errors="ignore")


def _apart(name: str, now: pd.DataFrame, then: pd.DataFrame) -> list[str]:
    """Rows, columns and numbers that differ."""
    differences = [f"{name}, {row}: now only" for row in now.index.difference(then.index)]
    differences += [f"{name}, {row}: then only" for row in then.index.difference(now.index)]
    known = [column for column in then if column in now]
    differences += [f"{name}: no column {column} now" for column in then if column not in now]
    both = then.index.intersection(now.index)
    now, then = now.loc[both, known], then.loc[both, known]
    same = (now == then) | (now.isna() & then.isna())
    return differences + [
        f"{name}, {row}, {column}: {now.loc[row, column]} now, {then.loc[row, column]} then"
        for row, column in same.stack().loc[lambda each: ~each].index
    ]
