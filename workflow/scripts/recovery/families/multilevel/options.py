"""The options of a regression: its formula and its design."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from recovery.common.types import Frozen, Text
from recovery.families.designs import Covariate, Design, read_design, restore_design
from recovery.families.designs.grouping_factors import PARTICIPANT
from recovery.families.formulas import DesignMatrix, Formula, read_formula
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.parameter_types import nearest

DEFAULT_FORMULA = "y ~ x + (x | participant)"
DEFAULT_DESIGN = {"x": {"normal": [0, 1]}}


class Options(Frozen):
    """Options of a multilevel family."""

    formula: Text = DEFAULT_FORMULA
    design: Any = Field(default_factory=DEFAULT_DESIGN.copy)
    """Variable -> its keys, or what `Design.serialised` returns."""
    sizes: Any = Field(default_factory=dict)
    """Grouping factor besides participants -> how it is nested; None if scenarios have counts."""


def read(options: Options, trials: bool, intercept: bool) -> tuple[Formula, Design]:
    """Return the formula and the design of a study.

    Parameters
    ----------
    trials : bool
        Whether outcomes are successes of a number of trials.
    intercept : bool
        Whether the population has an intercept; thresholds replace it otherwise.

    Raises
    ------
    pydantic.ValidationError
        If the design is wrong; ValueError if the formula is, or does not fit it.
    """
    formula, design = read_parts(options.formula, options.design, options.sizes)
    try:
        _check_trials(formula, design, trials)
        if not intercept and () not in formula.population:
            raise ValueError("must not remove the intercept, which thresholds replace")
    except ValueError as error:
        raise ValueError(f"formula: {error}") from None
    return formula, design


def read_parts(text: str, variables: Any, sizes: Any) -> tuple[Formula, Design]:
    """Return the formula and the design of a study; errors are those of `read`."""
    if isinstance(variables, list):
        design = restore_design({"design": variables, "sizes": sizes})
    else:
        design = read_design(variables, sizes)
    try:
        formula = read_formula(text)
        _check(formula, design)
        _check_terms(formula, design)
    except ValueError as error:
        raise ValueError(f"formula: {error}") from None
    return formula, design


def _check(formula: Formula, design: Design) -> None:
    """Raise ValueError if the formula has what the design lacks."""
    for name in formula.variables:
        if name not in design.variables:
            hint = nearest(name, design.variables)
            raise ValueError(f"got {name!r}, must be a variable of `design`: {hint}")
    for name in formula.factors:
        if name not in design.grouping_factors:
            hint = nearest(name, design.grouping_factors)
            raise ValueError(
                f"got the grouping factor {name!r}, must be {PARTICIPANT} or a key of `sizes`: "
                f"{hint}"
            )
    if formula.response in (*design.variables, *design.grouping_factors, "replicate"):
        raise ValueError(
            f"got the outcome {formula.response!r}, must have another name than the variables of "
            "`design`, grouping factors, and 'replicate'"
        )
    correlated = [group.name for group in formula.groups if group.correlated and group.terms[1:]]
    for name in correlated:
        if correlated.count(name) > 1:
            raise ValueError(f"{name} has two terms with correlations, must have one")
    coefficients = [(group.name, term) for group in formula.groups for term in group.terms]
    for name, term in coefficients:
        if coefficients.count((name, term)) > 1:
            what = ":".join(atom.text for atom in term) or "Intercept"
            raise ValueError(f"{what} varies by {name} twice, must be in one term in parentheses")


def _check_terms(formula: Formula, design: Design) -> None:
    """Raise ValueError if a term cannot have its variables, such as the log of a factor."""
    codings = Layout(formula, design).codings
    for terms in (formula.population, *(group.terms for group in formula.groups)):
        DesignMatrix(terms, codings)
    for atom in formula.offsets:
        if strange := [name for name in atom.variables if name in codings]:
            raise ValueError(f"{atom.text}: got the factor {strange[0]!r}, must be numbers")


def _check_trials(formula: Formula, design: Design, trials: bool) -> None:
    if not trials and formula.trials is not None:
        raise ValueError("got trials(), must not be given: the outcome of the family has none")
    if trials and formula.trials is None:
        raise ValueError(
            f"must name the number of trials: {formula.response} | trials(10) ~ ..., or a "
            "variable of the design"
        )
    if isinstance(formula.trials, str) and not isinstance(
        design.variables.get(formula.trials), Covariate
    ):
        hint = nearest(formula.trials, design.covariates)
        raise ValueError(f"got trials({formula.trials}), must be a covariate of `design`: {hint}")


def content(formula: Formula, design: Design) -> dict[str, Any]:
    """Return options that give this formula and design, without those that have their default."""
    found: dict[str, Any] = {}
    if formula.text != DEFAULT_FORMULA:
        found["formula"] = formula.text
    serialised = design.serialised()
    if serialised != read_design(DEFAULT_DESIGN, {}).serialised():
        found |= serialised
    return found
