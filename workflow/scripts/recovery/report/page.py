"""The page: design, results with their Monte Carlo errors, failures and cost."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from recovery import tables
from recovery.families.family import Family
from recovery.plan.design import Design
from recovery.plan.figure_list import figures, words
from recovery.plan.prior_panels import has_named_priors
from recovery.plan.prior_remarks import remarks
from recovery.report import ademp, figure_counts, latex_tables, prior_words
from recovery.report.number_formats import number, percent, sortable, whole_percent
from recovery.report.sections import (
    comparison_section,
    cost_section,
    decisions_section,
    design_effects_section,
    observed_section,
    planning_section,
    points_section,
    prior_section,
    results_section,
    selection_section,
    setup_section,
)
from recovery.score import failures
from recovery.score.measures import ENOUGH_IF_SKEWED, few_if_skewed
from recovery.score.precision import largest_mcse
from recovery.study.keys import Study
from recovery.study.methods import method

TEMPLATES = Path(__file__).parents[3] / "report"
PIXELS_PER_POINT = 1.4 * 96 / 72  # at which the labels of a figure are as large as the text
_SVG_WIDTH = re.compile(rb'<svg [^>]*width="([0-9.]+)pt"')


def write(
    design: Design,
    page: str,
    latex_files: Mapping[str, str],
    manifest: dict[str, Any],
    summaries: Mapping[str, pd.DataFrame],
    fits: tuple[pd.DataFrame, ...],
    images: list[str],
    identity: str,
) -> None:
    """Write the page, one file that needs no network, and its tables in LaTeX.

    Parameters
    ----------
    latex_files : mapping of str to str
        One file for each of `latex_tables.TABLES`.
    summaries : mapping of str to DataFrame
        The summary tables.
    fits : DataFrames
        The tables that `summaries.observed` returns.
    images : list of str
        SVG files, in the order of `figure_list.figures`.
    identity : str
        The hash of everything that determines the page; stored in it.
    """
    study, family = design.study, design.family
    environment = _environment()
    performance = summaries["performance"]
    everything = performance[performance["subset"] == "all"]
    outcomes = results_section.outcomes(summaries["convergence"]).merge(summaries["efficiency"])
    tabulated = {
        "model_rows": results_section.model_rows(study, family, everything, outcomes),
        "cells": results_section.cells(study, family, everything, outcomes),
        "factors": setup_section.factors(design),
        "comparison": comparison_section.rows(study, family, summaries["comparison"]),
    }
    latex_tables.write(latex_files, **tabulated, priors=prior_words.rows(study))
    prior_outcomes = prior_section.rows(
        study, family, summaries["prior_outcomes"], summaries["prior_categories"]
    )
    shared = {
        "study": study,
        "design": design,
        "totals": results_section.totals(design.without_shared(summaries["convergence"])),
        "largest": largest_mcse(performance, study.plotted_level),
        "fewer_intervals": any(
            0 < row["intervals"] < row["planned"] for row in tabulated["model_rows"]
        ),
        "manifest": manifest,
    }
    text = environment.get_template("page.html").render(
        **tabulated,
        **shared,
        **_setup(design, family, fits[1]),
        **_results(design, study, family, summaries),
        paragraph=_methods_paragraph(environment, study, family, shared),
        points=points_section.rows(study, family, everything),
        short_chains=results_section.short_chains(everything),
        few_if_skewed=few_if_skewed(everything),
        enough_if_skewed=ENOUGH_IF_SKEWED,
        estimands=_estimands(family, performance),
        observed_totals=observed_section.totals(
            design.without_shared(fits[1]) if len(fits[1]) else fits[1]
        ),
        observed=observed_section.rows(study, family, *fits[:3]),
        decisions=decisions_section.section(
            study,
            family,
            summaries["decisions"],
            summaries["decision_differences"],
            fits[3],
        ),
        observed_fits=decisions_section.observed_fits(study, family),
        figures=_figures(study, family, images, summaries, prior_outcomes),
        prior_outcomes=prior_outcomes,
        implausible=prior_section.labels(study, family),
        categories=bool(family.CATEGORIES),
        identity=identity,
    )
    tables.replace(page, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "percent": percent,
        "whole_percent": whole_percent,
        "number": number,
        "sortable": sortable,
        "words": words,
        "listed": ademp.listed,
    }
    return environment


def _setup(design: Design, family: Family, observed_fits: pd.DataFrame) -> dict[str, Any]:
    """Return the methods, truths and priors of the study."""
    study = design.study
    priors = {name: prior_words.as_written(prior) for name, prior in study.priors.items()}
    return {
        "models": {model: family.MODELS[model] for model in study.models},
        "approximations": {name: method(family, name) for name in study.approximations},
        "estimators": {name: family.ESTIMATORS[name] for name in study.estimators_without_prior},
        "observed_truths": study.observations and ademp.has_observed_truth(study),
        "regression": family.in_words(),
        "other_sizes": setup_section.sizes_in_words(study),
        "sources": ademp.truths_in_words(study.truths),
        "truths": {
            name: setup_section.in_words(truth, observed_fits)
            for name, truth in study.truths.items()
        },
        "priors": priors,
        "prior_place": prior_words.place(study, family),
        "prior_remarks": remarks(design),
        "named_priors": bool(prior_words.settings(study)),
        "wider_keys": has_named_priors(family),
        "prior_keys": prior_words.keys_in_use(study),
    }


def _results(
    design: Design, study: Study, family: Family, summaries: Mapping[str, pd.DataFrame]
) -> dict[str, Any]:
    """Return the results from all summary tables except performance."""
    return {
        "failed_cells": failures.failed_cells(
            family, design.without_shared(summaries["convergence"])
        ),
        "reasons": results_section.reasons(summaries["convergence"]),
        "unsimulated": results_section.unsimulated(summaries["convergence"]),
        "pareto_k": results_section.pareto_k(family, summaries["convergence"]),
        "precision": results_section.precision(study, family, summaries["precision"]),
        "planning": planning_section.rows(family, summaries["planning"]),
        "effects": design_effects_section.section(study, family, summaries["design_effects"]),
        "verification": results_section.verification(study, family, summaries["verification"]),
        "selection": selection_section.section(study, family, summaries["selection"]),
        "coefficients": len(summaries["groups"]) > 0,
        "calibration": results_section.calibration(family, summaries["calibration"]),
        "costs": cost_section.rows(summaries["costs"]),
        "in_sampler": cost_section.in_sampler(summaries["costs"]),
    }


def _methods_paragraph(
    environment: jinja2.Environment, study: Study, family: Family, shared: Mapping[str, Any]
) -> str:
    """Return the methods paragraph for a paper."""
    plain = environment.overlay(autoescape=False).get_template("methods.txt")
    text = plain.render(
        **shared,
        truths=ademp.truths_in_words(study.truths),
        observed_truths=study.observations and ademp.has_observed_truth(study),
        formula=family.in_words().get("Formula"),
        priors=prior_words.settings(study),
        prior_place=prior_words.place(study, family),
        other_sizes=setup_section.sizes_in_words(study),
        models=[family.MODELS[model].label.lower() for model in study.models],
        approximations=[method(family, name).label for name in study.approximations],
        questions=[decisions_section.question(rule) for rule in study.decisions.values()],
        estimators=[method(family, name).label for name in study.estimators_without_prior],
    )
    return " ".join(text.split())


def _estimands(family: Family, performance: pd.DataFrame) -> dict[str, str]:
    """Return the label of each parameter that any model of the study estimates."""
    scored = set(performance["parameter"])
    return {name: label for name, label in family.PARAMETERS.items() if name in scored}


def _figures(
    study: Study,
    family: Family,
    images: list[str],
    summaries: Mapping[str, pd.DataFrame],
    prior_outcomes: list[dict[str, Any]],
) -> dict[str, list[dict]]:
    """Return category -> its figures, each with its caption and its SVG in base64."""
    by_category: dict[str, list[dict]] = {}
    for figure, image in zip(figures(study), images, strict=True):
        caption = (TEMPLATES / f"{figure.kind}.rst").read_text(encoding="utf-8").strip()
        added = (
            figure_counts.sentence(study, figure, summaries),
            prior_section.caption(study, family, figure, prior_outcomes),
        )
        caption = " ".join(filter(None, (caption, *added)))
        svg = Path(image).read_bytes()
        by_category.setdefault(figure.category, []).append(
            {
                "name": figure.name,
                "title": figure.title,
                "caption": caption,
                "picture": base64.b64encode(svg).decode(),
                "width": _pixels(svg),
            }
        )
    return by_category


def _pixels(svg: bytes) -> int:
    """Return the width in which the page shows an SVG file that matplotlib wrote."""
    width = _SVG_WIDTH.search(svg)
    assert width is not None
    return round(PIXELS_PER_POINT * float(width[1]))
