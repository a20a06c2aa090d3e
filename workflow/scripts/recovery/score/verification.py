"""Whether two engines find the same posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import stats

from recovery import tables
from recovery.plan.design import Cell, Design
from recovery.score.measures import CELL, final_attempts
from recovery.score.measures.uniformity import holm

FAMILY_WISE = 0.01
AGREE, DISAGREE, NO_FIT = "agree", "disagree", "no fit to compare"
ALL_FAILED = "all failed"
_COLUMNS = ["model", "parameter", "n_fits", "n_one_sided", "mean_z", "mean_square_z"]
_COLUMNS += ["largest_z", "p_value", "p_corrected", "verdict"]


def summary(design: Design) -> pd.DataFrame:
    """Return the summary table of a study; it has no row where nothing is to be verified."""
    models = design.study.models if design.study.verify else ()
    scored = {model: design.family.MODELS[model].scored for model in models}
    found = compare_engines(differences(design), scored)
    return with_failures(found, attempted_fits(design))


def attempted_fits(design: Design) -> pd.DataFrame:
    """Return every fit that the verifying engine was to make: model, status, error.

    Where simulation failed there was none to make.
    """
    columns = ["replicate", "attempt", "status", "failed_in", "error"]
    parts = [pd.DataFrame(columns=["model", "status", "error"])]
    for cell in design.cells:
        for batch in design.verified(cell):
            file = design.verified_file("diagnostics", cell, batch)
            final = final_attempts(tables.read_frame([file], columns))
            made = final.loc[final["failed_in"] != "simulation", ["status", "error"]]
            parts.append(made.assign(model=cell[1]))
    return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)


def with_failures(table: pd.DataFrame, attempted: pd.DataFrame) -> pd.DataFrame:
    """Return what `agreement` returned, with the failures of the verifying engine.

    Where all its fits failed that is the verdict, whatever the study's own engine did.
    """
    failed = attempted[attempted["status"] == "failed"]
    counts = {
        name: each["model"].value_counts()
        for name, each in (("n_verified", attempted), ("n_failed", failed))
    }
    found = table.assign(
        **{name: table["model"].map(count).fillna(0).astype(int) for name, count in counts.items()},
        error=table["model"].map(failed.groupby("model")["error"].first()),
    )
    all_failed = (found["n_failed"] > 0) & (found["n_failed"] == found["n_verified"])
    return found.assign(verdict=found["verdict"].where(~all_failed, ALL_FAILED))


def differences(design: Design) -> pd.DataFrame:
    """Return how far the engines' posterior means are apart, in every verified fit.

    Returns
    -------
    DataFrame
        scenario, model, prior, replicate, parameter, z: difference of the posterior means,
        the study's less the verifying engine's, over its MCMC standard error, the root of
        both squared. NaN, with parameter null, for a fit that converged with one engine only
        and that the verifying engine did not fail to make.
    """
    parts = [_differences_of_cell(design, cell) for cell in design.cells]
    return pd.concat(parts, ignore_index=True)


def _differences_of_cell(design: Design, cell: Cell) -> pd.DataFrame:
    both, parts = [], []
    for batch, replicates in design.verified(cell).items():
        files = [design.cell_file("diagnostics", cell, batch)]
        files.append(design.verified_file("diagnostics", cell, batch))
        ours, theirs = (_converged(file, replicates) for file in files)
        both += sorted(ours & theirs)
        one_sided = sorted((ours ^ theirs) - _failed(files[1]))
        parts.append(pd.DataFrame({"replicate": one_sided, "z": np.nan}))
        files = [design.cell_file("estimates", cell, batch)]
        files.append(design.verified_file("estimates", cell, batch))
        scored = design.family.MODELS[cell[1]].scored
        parts.append(_z_scores(*(_estimates(file, ours & theirs, scored) for file in files)))
    none = pd.DataFrame({"replicate": [], "parameter": [], "z": []})
    found = pd.concat(parts) if parts else none
    return found.assign(**dict(zip(CELL, cell, strict=True)))


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


def _z_scores(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    error = np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    return ((ours["mean"] - theirs["mean"]) / error).rename("z").reset_index()


def compare_engines(found: pd.DataFrame, scored: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Judge what `differences` returned, for every model and parameter.

    z is standard normal when both engines draw from the same posterior. Its mean shows a
    shift in all fits, its mean square differences of either sign; the smaller p-value of the
    two counts twice, and Holm's correction is for all models and parameters.

    Parameters
    ----------
    scored : mapping
        Model -> the parameters that it answers for.
    """
    rows = [
        {"model": model, "parameter": parameter, **_test_of_parameter(found, model, parameter)}
        for model, parameters in scored.items()
        for parameter in parameters
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    tested = table["p_value"].notna()
    table.loc[tested, "p_corrected"] = holm(table.loc[tested, "p_value"].to_numpy())
    verdicts = np.where(table["p_corrected"] < FAMILY_WISE, DISAGREE, AGREE)
    return table.assign(verdict=np.where(tested, verdicts, NO_FIT))


def _test_of_parameter(found: pd.DataFrame, model: str, parameter: str) -> dict[str, float]:
    mine = found[found["model"] == model]
    z = mine.loc[mine["parameter"] == parameter, "z"]
    alone = int(mine["parameter"].isna().sum() + z.isna().sum())
    z = z.dropna().to_numpy()
    row = {"n_fits": z.size, "n_one_sided": alone}
    if not z.size:
        return row
    of_mean = 2 * stats.norm.sf(abs(z.mean()) * np.sqrt(z.size))
    of_square = stats.chi2.sf(np.square(z).sum(), z.size)
    return row | {
        "mean_z": z.mean(),
        "mean_square_z": np.square(z).mean(),
        "largest_z": np.abs(z).max(),
        "p_value": min(1.0, 2 * of_mean, 2 * of_square),
    }
