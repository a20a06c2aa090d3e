"""Tests of whether two engines sample the same posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from recovery import tables
from recovery.families.priors import fixed_by
from recovery.plan.design import Cell, Design
from recovery.score.measures import CELL, final_attempts
from recovery.score.measures.uniformity import holm

FAMILY_WISE = 0.01
AGREE, DISAGREE, NO_FIT = "agree", "disagree", "no fit to compare"
ALL_FAILED = "all failed"
_COLUMNS = ["model", "parameter", "n_fits", "n_one_sided", "mean_z", "mean_square_z"]
_COLUMNS += ["largest_z", "p_value", "p_corrected", "verdict"]


def summary(design: Design) -> pd.DataFrame:
    """Return the table `verification` of a study; it has no row if the study has no `verify`."""
    models = design.study.models if design.study.verify else ()
    scored = {model: design.family.MODELS[model].scored for model in models}
    verdicts = compare_engines(differences(design), scored)
    return with_failures(verdicts, attempted_fits(design))


def attempted_fits(design: Design) -> pd.DataFrame:
    """Return every fit that the verifying engine attempted: model, status, error.

    It attempts no fit of a dataset that could not be simulated.
    """
    columns = ["replicate", "attempt", "status", "failed_in", "error"]
    parts = [pd.DataFrame(columns=["model", "status", "error"])]
    for cell in design.cells:
        for batch in design.verified(cell):
            file = design.verified_file("diagnostics", cell, batch)
            final = final_attempts(tables.read_frame([file], columns))
            attempted = final.loc[final["failed_in"] != "simulation", ["status", "error"]]
            parts.append(attempted.assign(model=cell[1]))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def with_failures(table: pd.DataFrame, attempted: pd.DataFrame) -> pd.DataFrame:
    """Return the table of `compare_engines` with the failures of the verifying engine.

    If all its fits of a model failed, the verdict is `ALL_FAILED`.
    """
    failed = attempted[attempted["status"] == "failed"]
    counts = {
        name: each["model"].value_counts()
        for name, each in (("n_verified", attempted), ("n_failed", failed))
    }
    table = table.assign(
        **{name: table["model"].map(count).fillna(0).astype(int) for name, count in counts.items()},
        error=table["model"].map(failed.groupby("model")["error"].first()),
    )
    all_failed = (table["n_failed"] > 0) & (table["n_failed"] == table["n_verified"])
    return table.assign(verdict=table["verdict"].where(~all_failed, ALL_FAILED))


def differences(design: Design) -> pd.DataFrame:
    """Return the differences between the engines' posterior means, for every verified fit.

    Returns
    -------
    DataFrame
        scenario, model, prior, replicate, parameter, z: posterior mean of the study's engine
        minus that of the verifying engine, divided by the MCMC standard error of the difference.
        z is NaN and parameter null for a fit that converged with one engine only, unless it
        failed with the verifying engine.
    """
    parts = [_differences_of_cell(design, cell) for cell in design.cells]
    return pd.concat(parts, ignore_index=True)


def _differences_of_cell(design: Design, cell: Cell) -> pd.DataFrame:
    parts = []
    for batch, replicates in design.verified(cell).items():
        files = [design.cell_file("diagnostics", cell, batch)]
        files.append(design.verified_file("diagnostics", cell, batch))
        first, second = (_converged(file, replicates) for file in files)
        one_sided = sorted((first ^ second) - _failed(files[1]))
        parts.append(pd.DataFrame({"replicate": one_sided, "z": np.nan}))
        files = [design.cell_file("estimates", cell, batch)]
        files.append(design.verified_file("estimates", cell, batch))
        fixed = fixed_by(design.study.priors[cell[2]])
        scored = [name for name in design.family.MODELS[cell[1]].scored if name not in fixed]
        parts.append(_z_scores(*(_estimates(file, first & second, scored) for file in files)))
    empty = pd.DataFrame({"replicate": [], "parameter": [], "z": []})
    table = pd.concat(parts) if parts else empty
    return table.assign(**dict(zip(CELL, cell, strict=True)))


def _converged(file: str, replicates: Sequence[int]) -> set[int]:
    fits = final_attempts(tables.read_frame([file]))
    return set(fits.loc[fits["converged"], "replicate"]) & set(replicates)


def _failed(file: str) -> set[int]:
    fits = final_attempts(tables.read_frame([file]))
    return set(fits.loc[fits["status"] == "failed", "replicate"])


def _estimates(file: str, replicates: set[int], scored: Sequence[str]) -> pd.DataFrame:
    table = tables.read_frame([file], ["replicate", "parameter", "mean", "mcse_mean"])
    chosen = table["replicate"].isin(replicates) & table["parameter"].isin(scored)
    return table[chosen].set_index(["replicate", "parameter"])


def _z_scores(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    error = np.hypot(first["mcse_mean"], second["mcse_mean"])
    return ((first["mean"] - second["mean"]) / error).rename("z").reset_index()


def compare_engines(z_scores: pd.DataFrame, scored: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Test the differences between the engines, for every model and parameter.

    z is standard normal if both engines sample the same posterior. The mean of z detects a shift
    in all fits, its mean square differences of either sign. The p-value is twice the smaller of
    the two, with Holm's correction for all models and parameters.

    Parameters
    ----------
    z_scores : DataFrame
        Rows of `differences`.
    scored : mapping
        Model -> the parameters that it estimates.
    """
    rows = [
        {"model": model, "parameter": parameter, **_test(z_scores, model, parameter)}
        for model, parameters in scored.items()
        for parameter in parameters
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    tested = table["p_value"].notna()
    table.loc[tested, "p_corrected"] = holm(table.loc[tested, "p_value"].to_numpy())
    verdicts = np.where(table["p_corrected"] < FAMILY_WISE, DISAGREE, AGREE)
    return table.assign(verdict=np.where(tested, verdicts, NO_FIT))


def _test(z_scores: pd.DataFrame, model: str, parameter: str) -> dict[str, float]:
    rows = z_scores[z_scores["model"] == model]
    z = rows.loc[rows["parameter"] == parameter, "z"]
    n_one_sided = int(rows["parameter"].isna().sum() + z.isna().sum())
    z = z.dropna().to_numpy()
    row = {"n_fits": z.size, "n_one_sided": n_one_sided}
    if not z.size:
        return row
    p_mean = 2 * special.ndtr(-abs(z.mean()) * np.sqrt(z.size))
    p_square = special.chdtrc(z.size, np.square(z).sum())
    return row | {
        "mean_z": z.mean(),
        "mean_square_z": np.square(z).mean(),
        "largest_z": np.abs(z).max(),
        "p_value": min(1.0, 2 * p_mean, 2 * p_square),
    }
