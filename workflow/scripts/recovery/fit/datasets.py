"""Datasets to fit: simulated ones, a batch of replicates at a time, and observed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from recovery import families, tables
from recovery.common.errors import StudyError, listed
from recovery.common.replicate_ranges import numbers_in
from recovery.common.user_files import LARGEST_DATA, located, require_regular
from recovery.common.worker import ChildLostError, in_child, in_words
from recovery.families.family import Columns, Family, SimulationError, Values
from recovery.plan.seeds import dataset_seed
from recovery.study.truths import Observed

LONGEST_REASON = 2000  # characters


def simulate_batch(
    specification: Mapping[str, Any],
    observed: Columns | None = None,
    observed_means: Values | None = None,
) -> tuple[dict, dict]:
    """Simulate the replicates of one batch.

    Parameters
    ----------
    specification : mapping
        `Design.simulation`.
    observed, observed_means : optional
        For a truth from an observed dataset: its columns, and the posterior means of
        the fit that gives the truth.

    Returns
    -------
    data, truth : dict of ndarray
        The columns of the tables `data` and `truth`, sorted by replicate.

    A replicate that cannot be simulated has no row of `data` and one row of `truth`, with the
    error. A researcher's own generator runs in a child process, with a time limit per dataset.
    """
    family = families.find(specification["family"])
    data, truth = [_empty_data(family)], []
    simulate_from_seed = partial(simulate_dataset, specification, family, observed, observed_means)
    limit = specification.get("time_limit")
    with in_child(simulate_from_seed, limit, "simulation") as simulate:
        for replicate in numbers_in(specification["replicates"]):
            seed = dataset_seed(specification, replicate)
            try:
                columns, values = simulate(seed)
            except Exception as error:
                truth.append(_truth_rows(replicate, seed, {None: np.nan}, _failure_reason(error)))
                continue
            size = len(next(iter(columns.values())))
            data.append({"replicate": np.full(size, replicate), **columns})
            truth.append(_truth_rows(replicate, seed, values))
    return _concatenated(data), _concatenated(truth)


def _failure_reason(error: Exception) -> str:
    """Why a replicate could not be simulated."""
    has_message = isinstance(error, StudyError | SimulationError | ChildLostError)
    return (str(error) if has_message else in_words(error))[:LONGEST_REASON]


def _empty_data(family: Family) -> Columns:
    kinds = {"integer": int, "real": float}
    empty: Columns = {name: np.empty(0, kinds[kind]) for name, kind in family.COLUMNS.items()}
    return {"replicate": np.empty(0, int), **empty}


def _truth_rows(
    replicate: int, seed: int, values: Mapping[Any, float], error: str | None = None
) -> Columns:
    """The rows of the table `truth` of one replicate."""
    n = len(values)
    return {
        "replicate": np.full(n, replicate),
        "parameter": np.array(list(values), dtype=object),
        "truth": np.array(list(values.values()), dtype=float),
        "data_seed": np.full(n, seed),
        "error": np.full(n, error, dtype=object),
    }


def simulate_dataset(
    specification: Mapping[str, Any],
    family: Family,
    observed: Columns | None,
    observed_means: Values | None,
    seed: int,
) -> tuple[Columns, Values]:
    """Simulate one dataset from its seed; SimulationError if that is not possible."""
    rng = np.random.default_rng(seed)
    content, observations = specification["truth"], specification["observations"]
    sizes = specification.get("sizes", {})
    if "drawn_from" in content:
        prior = family.Prior(**content["drawn_from"])
        joint = family.MODELS[content["model"]].joint if "model" in content else family.JOINT
        place = (specification["participants"], observations)
        return family.simulate_joint(joint, prior, content["design"], *place, rng, sizes)
    if "from_observed" in content:
        assert observed_means is not None
        truth, observations = family.truth_from_estimates(observed_means), observed
    else:
        truth = family.Truth(**content["values"])
    return family.simulate(truth, specification["participants"], observations, rng, sizes)


def _concatenated(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def read_observed(name: str, observed: Observed, family: Family, file: str = "study") -> Columns:
    """Read and check an observed dataset; StudyError names the study, the file and the fault."""
    place = f"{file}: observed.{name}: {observed.path}"
    csv = located(observed.path)
    try:
        require_regular(csv, LARGEST_DATA)
    except ValueError as error:
        raise StudyError(f"{place}: {error}") from None
    try:
        table = tables.read_csv(csv)
    except ValueError as error:
        raise StudyError(f"{place}: cannot be read: {error}") from None
    for key, column in _named_columns(observed.columns.model_dump()):
        if column not in table:
            raise StudyError(
                f"{file}: observed.{name}.columns.{key}: got {column!r}, must be one of the "
                f"columns of {observed.path}: {listed(table)}"
            )
        if len(table[column]) == 0:
            raise StudyError(f"{place}: has no rows, must have at least one")
        if missing := _first_empty_row(table[column]):
            raise StudyError(
                f"{place}: column {column!r} is empty in row {missing}, "
                "must have a number or text in every row"
            )
    try:
        return family.read_observed(table, observed.columns, observed.standardize)
    except ValueError as error:
        raise StudyError(f"{place}: {error}") from None


def _named_columns(chosen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The columns that a study names, each with its key."""
    for key, column in chosen.items():
        if isinstance(column, str):
            yield key, column
        else:
            yield from ((f"{key}[{place}]", name) for place, name in enumerate(column))


def _first_empty_row(cells: np.ndarray) -> int | None:
    """The number of the first row with an empty cell, from 1; None if no cell is empty."""
    missing = np.flatnonzero(cells == "")
    return int(missing[0]) + 1 if missing.size else None


def observe(specification: Mapping[str, Any]) -> Columns:
    """Return the table `data` of an observed dataset, given `Params.observe`."""
    family = families.find(specification["family"])
    assert family.ObservedColumns is not None
    observed = Observed(
        path=specification["path"],
        columns=family.ObservedColumns(**specification["columns"]),
        standardize=specification["standardize"],
    )
    return observed_table(read_observed(specification["dataset"], observed, family))


def observed_source(
    specification: Mapping[str, Any], files: Mapping[str, str]
) -> tuple[Columns | None, Values | None]:
    """Return the observed dataset and the posterior means that give a truth.

    Both are None unless the truth is from an observed dataset.

    Parameters
    ----------
    specification : mapping
        `Design.simulation`.
    files : mapping
        `observed` and `estimates`, if the truth is from an observed dataset.
    """
    identities = specification["tables"]
    if not identities:
        return None, None
    observed = read_table(files["observed"], identities["observed"])
    return observed, read_means(files["estimates"], identities["estimates"])


def observed_table(columns: Columns) -> Columns:
    """Return an observed dataset as the table `data`, where it is replicate 1."""
    size = len(next(iter(columns.values())))
    return {"replicate": np.ones(size, dtype=int), **columns}


def read_table(path: str, identity: str) -> Columns:
    """Read an observed dataset's table `data` as the family's columns."""
    columns = tables.read_of(path, identity)
    return {name: values for name, values in columns.items() if name != "replicate"}


def read_means(path: str, identity: str) -> Values:
    """Read the posterior means of one fit."""
    estimates = tables.read_of(path, identity, ["parameter", "mean"])
    if not len(estimates["mean"]):
        why = str(path).replace("/estimates/", "/diagnostics/")
        raise StudyError(f"{path}: the fit whose means are the truth failed; {why} has its error")
    return dict(zip(estimates["parameter"], estimates["mean"].tolist(), strict=True))
