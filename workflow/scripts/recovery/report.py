"""The page: what was asked, what was found, how sure it is, and what failed."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from recovery import families, tables
from recovery.design import Design
from recovery.families.base import Family
from recovery.gallery import figures, fit_label, words
from recovery.measures import CELL, of_level, proportion_interval
from recovery.study import ObservedTruth, PriorTruth, Study

TEMPLATES = Path(__file__).parents[2] / "report"


def write(
    design: Design,
    page: str,
    manifest: dict[str, Any],
    performance: pd.DataFrame,
    convergence: pd.DataFrame,
    observed: tuple[pd.DataFrame, pd.DataFrame],
    images: list[str],
    identity: str,
) -> None:
    """Write the page: one file that asks nothing of the network.

    Parameters
    ----------
    performance, convergence : DataFrame
        The summary tables.
    observed : pair of DataFrame
        Estimates and diagnostics of fits to observed data; empty where the study has none.
    images : list of str
        SVG files, in the order of `gallery.figures`.
    identity : str
        The hash of what decided the page, kept in it.
    """
    study, family = design.study, families.find(design.study.family)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "percent": percent,
        "number": number,
        "sortable": sortable,
        "words": words,
    }
    everything = performance[performance["subset"] == "all"]
    text = environment.get_template("page.html").render(
        study=study,
        design=design,
        models={model: family.MODELS[model] for model in study.models},
        truths={name: _truth(truth, observed[1]) for name, truth in study.truths.items()},
        priors={name: prior.model_dump() for name, prior in study.priors.items()},
        totals=_totals(convergence),
        observed_totals=_observed_totals(observed[1]),
        glance=_glance(study, family, everything, convergence),
        factors=_factors(design),
        cells=_cells(study, family, everything, convergence),
        observed=_observed(study, family, *observed),
        figures=_figures(study, images),
        manifest=manifest,
        identity=identity,
    )
    tables.replace(page, lambda beside: beside.write_text(text, encoding="utf-8"))


def percent(share: float) -> str:
    """Return a share in per cent; a dash for none. Only all is 100 % and only none is 0 %."""
    if _absent(share):
        return "–"
    shown = f"{100 * share:.0f}"
    if shown in ("0", "100") and share not in (0, 1):
        shown = f"{100 * share:.3g}"
    return f"{shown} %"


def number(value: float, mcse: float | None = None) -> str:
    """Return a value with as many digits as its MCSE warrants; a dash for none."""
    if _absent(value):
        return "–"
    scale = mcse if mcse and math.isfinite(mcse) else abs(value) / 10
    digits = max(0, 1 - math.floor(math.log10(scale))) if scale > 0 else 2
    shown = f"{value:.{digits}f}" if digits <= 6 else f"{value:.2g}"
    return shown.replace("-", "\N{MINUS SIGN}")


def sortable(value: float | None) -> str:
    """Return a number as tables sort it; empty for none."""
    return "" if _absent(value) else repr(float(value))


def _absent(value: float | None) -> bool:
    return value is None or not math.isfinite(value)


def _truth(truth, diagnostics: pd.DataFrame) -> dict[str, Any]:
    """A truth as the page shows it; one from an observed fit says how that fit went."""
    if isinstance(truth, PriorTruth):
        return {"drawn for every replicate from the prior": words(truth.prior)} | _plain(
            truth.design.model_dump()
        )
    if isinstance(truth, ObservedTruth):
        source = truth.from_observed
        fit = diagnostics.set_index(CELL).loc[(source.data, source.model, source.prior)]
        return {
            "posterior mean of": f"{source.model} under the prior {words(source.prior)}, "
            f"fitted to {source.data}, whose design it takes",
            "that fit converged": "yes" if fit["converged"] else "no",
        }
    return _plain(truth.model_dump(exclude_none=True))


def _plain(values: dict[str, Any]) -> dict[str, str]:
    return {
        name: ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        for name, value in values.items()
    }


def _totals(convergence: pd.DataFrame) -> dict[str, int]:
    counts = ["n_planned", "n_ok", "n_failed", "n_converged"]
    return {count: int(convergence[count].sum()) for count in counts}


def _glance(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a model and prior, over all scenarios."""
    coverage = of_level(performance, "coverage", study.plotted_level)
    rows = []
    for prior in study.priors:
        for model in study.models:
            cells = convergence[(convergence["prior"] == prior) & (convergence["model"] == model)]
            shares = coverage[(coverage["prior"] == prior) & (coverage["model"] == model)]
            shares = shares[shares["value"].notna()]
            worst = _worst(shares, study.plotted_level) if len(shares) else None
            fits = cells["n_planned"].sum()
            rows.append(
                {
                    "model": family.MODELS[model].label,
                    "prior": words(prior),
                    "fits": int(fits),
                    "failed": int(cells["n_failed"].sum()),
                    "converged": cells["n_converged"].sum() / fits,
                    "coverage": shares["value"].mean() if len(shares) else None,
                    "worst": worst,
                    "seconds": cells["seconds"].mean(),
                    "ess_per_second": cells["ess_per_second"].mean(),
                }
            )
    return rows


def _worst(shares: pd.DataFrame, level: float) -> dict[str, Any]:
    """The lowest of many coverages, low only if chance among so many does not explain it.

    Its interval is a Wilson interval at 1 - 0.05 / (how many it is the lowest of).
    """
    lowest = shares.loc[shares["value"].idxmin()].to_dict()
    _, upper = proportion_interval(lowest["value"], lowest["n_replicates"], 1 - 0.05 / len(shares))
    return {**lowest, "low": upper < level}


def _cells(
    study: Study, family: Family, performance: pd.DataFrame, convergence: pd.DataFrame
) -> list[dict]:
    """A row a cell and parameter."""
    measures = {
        name: of_level(performance, name, study.plotted_level).set_index([*CELL, "parameter"])
        for name in ("bias", "rmse", "coverage")
    }
    went = convergence.set_index(CELL)
    rows = []
    for key, bias in measures["bias"].iterrows():
        cell, parameter = key[:3], key[3]
        row = {name: table.loc[key].to_dict() for name, table in measures.items()}
        rows.append(
            {
                **row,
                "truth": words(bias["truth"]),
                "participants": int(bias["participants"]),
                "observations": _count(bias["observations"]),
                "model": family.MODELS[cell[1]].label,
                "prior": words(cell[2]),
                "parameter": parameter,
                "order": list(family.PARAMETERS).index(parameter),
                "went": went.loc[cell].to_dict(),
            }
        )
    return rows


def _count(observations: float) -> str:
    return "as observed" if math.isnan(observations) else f"{observations:.0f}"


def _factors(design: Design) -> list[dict]:
    """The columns that tell cells apart: only those that differ between any two."""
    study, scenarios = design.study, design.scenarios.values()
    levels = {
        "truth": study.truths,
        "participants": study.participants,
        "observations": {scenario.observations for scenario in scenarios},
        "model": study.models,
        "prior": study.priors,
    }
    names = [name for name, values in levels.items() if len(values) > 1] + ["parameter"]
    counts = ("participants", "observations")
    return [{"name": n, "label": n.capitalize(), "numeric": n in counts} for n in names]


def _observed_totals(diagnostics: pd.DataFrame) -> dict[str, int]:
    if diagnostics.empty:
        return {"n_planned": 0, "n_failed": 0, "n_not_converged": 0}
    failed = diagnostics["status"] == "failed"
    return {
        "n_planned": len(diagnostics),
        "n_failed": int(failed.sum()),
        "n_not_converged": int((~failed & ~diagnostics["converged"].astype(bool)).sum()),
    }


def _observed(
    study: Study, family: Family, estimates: pd.DataFrame, diagnostics: pd.DataFrame
) -> list[dict]:
    """For every observed dataset, a table of estimates: a row a parameter, a column a fit."""
    found = []
    for name, data in study.observed.items():
        mine = estimates[estimates["scenario"] == name].set_index(["model", "prior", "parameter"])
        went = diagnostics[diagnostics["scenario"] == name].set_index(["model", "prior"])
        fits = [(model, prior) for prior in study.priors for model in study.models]
        found.append(
            {
                "outcomes": [_outcome(went.loc[fit]) for fit in fits],
                "name": name,
                "path": data.path,
                "standardize": data.standardize,
                "published": data.published,
                "fits": [fit_label(family, study, *fit) for fit in fits],
                "rows": [
                    {
                        "parameter": parameter,
                        "estimates": [
                            mine.loc[(*fit, parameter)].to_dict()
                            if (*fit, parameter) in mine.index
                            else None
                            for fit in fits
                        ],
                    }
                    for parameter in family.PARAMETERS
                ],
            }
        )
    return found


def _outcome(fit: pd.Series) -> str:
    if fit["status"] == "failed":
        return f"failed: {fit['error'].splitlines()[0][:80]}"
    return "yes" if fit["converged"] else "no"


def _figures(study: Study, images: list[str]) -> dict[str, list[dict]]:
    """Category -> its figures, each with its caption and its picture as a data address."""
    found: dict[str, list[dict]] = {}
    for figure, image in zip(figures(study), images, strict=True):
        caption = (TEMPLATES / f"{figure.kind}.rst").read_text(encoding="utf-8").strip()
        picture = base64.b64encode(Path(image).read_bytes()).decode()
        found.setdefault(figure.category, []).append(
            {"name": figure.name, "title": figure.title, "caption": caption, "picture": picture}
        )
    return found
