"""The tables that a study expects, and whether the existing ones have their identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from recovery import tables
from recovery.common.hashing import digest
from recovery.plan import paths
from recovery.plan.design import Design
from recovery.tables.summary_schemas import SUMMARIES


def expected(design: Design) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every table that the summary is made from, and its specification."""
    for dataset in design.study.observed:
        yield design.observed_data(dataset), design.observation(dataset)
    for cell in design.fitted_observed_cells:
        specification = design.fit_observed(*cell)
        for table in (t for t in design.tables_of(cell) if t in design.observed_report_tables):
            yield design.observed_file(table, *cell), specification
    for scenario in design.scenarios:
        for batch in design.data_batches(scenario):
            specification = design.simulation(scenario, batch)
            for table in ("data", "truth"):
                yield design.dataset_file(table, scenario, batch), specification
    for cell in design.fitted_cells:
        for batch in design.verified(cell):
            specification = design.verification(*cell, batch)
            for table in ("estimates", "diagnostics"):
                yield design.verified_file(table, cell, batch), specification
        for batch in design.batches(cell):
            specification = design.fit(*cell, batch)
            for table in (t for t in design.tables_of(cell) if t in design.summary_tables):
                yield design.cell_file(table, cell, batch), specification


def check(design: Design) -> None:
    """Refuse tables that are missing, or that another study or version made."""
    found = [file for file, specification in expected(design) if not are_of([file], specification)]
    if found:
        raise tables.stale_tables_error(found)


def are_of(files: Iterable[str], specification: Mapping[str, Any]) -> bool:
    """Whether tables exist, and have the identity and the replicates of a specification."""
    return tables.are_current(files, specification["identity"], specification["replicates"])


def outdated(design: Design, summary: str) -> list[str]:
    """Return existing tables whose identity or replicates are not those of the study.

    Damaged tables are left out.

    Parameters
    ----------
    summary : str
        The identity that summary tables must have.
    """
    files = [
        file
        for file, each in expected(design)
        if _identity(file) is not None and not are_of([file], each)
    ]
    summaries = [design.summary_file(name) for name in SUMMARIES]
    return files + [file for file in summaries if _identity(file) not in (None, summary)]


def _identity(file: str) -> str | None:
    """The identity of a table; None if it does not exist or is damaged."""
    try:
        return tables.identity_of(file)
    except tables.StaleTableError:
        return None


def check_existing(design: Design, remembered: bool) -> None:
    """Refuse existing tables that are damaged, or fits of another study, before any job.

    Parameters
    ----------
    remembered : bool
        Whether Snakemake has recorded how all tables were made, and so detects changes
        itself. It has not if results were copied from elsewhere.

    Raises
    ------
    StaleTableError
        With the files, and the command that removes them.
    """
    stale, damaged = [], []
    summaries = [design.summary_file(name) for name in SUMMARIES]
    unread = [design.file(paths.FIGURE_COSTS), *_tables_without_summary(design)]
    tables_of_batches = [(file, each["identity"]) for file, each in expected(design)]
    for file, identity in [*tables_of_batches, *((file, None) for file in summaries + unread)]:
        try:
            if tables.read_identity(file) != identity and identity is not None:
                stale.append(file)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except tables.StaleTableError:
            damaged.append(file)
    with_csv = [design.summary_file(t) for t in SUMMARIES if t not in design.tables_on_request]
    damaged += _other_csv(file for file in with_csv if file not in damaged)
    if damaged:
        raise tables.damaged_tables_error(damaged)
    if stale and not remembered:
        raise tables.stale_tables_error(stale)


def _other_csv(summaries: Iterable[str]) -> Iterator[str]:
    """Yield CSV files of the summary that differ from the tables that they copy."""
    for file in summaries:
        twin = Path(file).with_suffix(".csv")
        if twin.exists() and Path(file).exists() and not tables.is_csv_of(twin, file):
            yield str(twin)


def files(design: Design) -> list[str]:
    """Return every table of the study's data and fits."""
    return [*(file for file, _ in expected(design)), *_tables_without_summary(design)]


def _tables_without_summary(design: Design) -> Iterator[str]:
    """Yield the tables of fits that the summary does not read."""
    for cell in design.fitted_observed_cells:
        for table in set(design.tables_of(cell)) - set(design.observed_report_tables):
            yield design.observed_file(table, *cell)
    for cell in design.fitted_cells:
        for table in set(design.tables_of(cell)) - set(design.summary_tables):
            for batch in design.batches(cell):
                yield design.cell_file(table, cell, batch)


def trial_identity(design: Design, code: str) -> str:
    """Return the identity of the trial of a researcher's own family.

    Parameters
    ----------
    code : str
        The hash of the modules that try it.
    """
    study, sources = design.study, design.sources
    content = study.model_dump(mode="json", include={"family", "truths", "priors", "models"})
    return digest(
        content
        | {
            "scenarios": sorted(design.scenarios),
            "programs": dict(sources.programs),
            "simulating": sources.simulating,
            "engine": [study.engine, sources.engine_version],
            "code": code,
        }
    )
