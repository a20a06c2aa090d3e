"""The lines of participants in figures: expected outcomes over the first predictor."""

from __future__ import annotations

import numpy as np

from recovery.families.designs.grouping_factors import PARTICIPANT
from recovery.families.family import Axes, Columns
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.outcome import Outcome

LINE_POINTS = 25  # of a curved line


def axes(layout: Layout, outcome: Outcome) -> Axes | None:
    """Return the axes of lines, if all predictors are numbers and only participants vary.

    There are no lines of what depends on rows: numbers of trials, and poly.
    """
    formula = layout.formula
    covariates = [name for name in formula.variables if name in layout.design.covariates]
    numeric = len(covariates) == len(formula.variables) > 0
    if not numeric or layout.depends_on_all_rows or isinstance(formula.trials, str):
        return None
    if any(name != PARTICIPANT for name in formula.factors):
        return None
    x, y = covariates[0], formula.response
    return Axes(PARTICIPANT, x, y, f"Predictor {x}", f"{outcome.Y_LABEL} {y}")


def grid(layout: Layout, outcome: Outcome, x: str, columns: Columns) -> Columns:
    """Return rows over the range of x for every participant; other predictors have its mean."""
    plain = all(atom.is_column for atom in layout.formula.atoms)
    points = 2 if outcome.STRAIGHT and plain else LINE_POINTS
    people, index = np.unique(columns[PARTICIPANT], return_inverse=True)
    over = np.linspace(columns[x].min(), columns[x].max(), points)
    rows: Columns = {PARTICIPANT: np.repeat(people, points), x: np.tile(over, people.size)}
    for name in (*layout.design.groups, *layout.predictors):
        if name not in rows:
            means = np.bincount(index, columns[name]) / np.bincount(index)
            rows[name] = np.repeat(means, points)
    return rows
