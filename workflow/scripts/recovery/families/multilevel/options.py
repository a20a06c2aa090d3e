"""The options of a regression: its formula and its design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from recovery.common.types import Frozen, Text
from recovery.families.designs import Covariate, Design, read_design
from recovery.families.designs.grouping_factors import PARTICIPANT
from recovery.families.formulas import DesignMatrix, Formula, read_formula
from recovery.families.multilevel import design_file
from recovery.families.multilevel.design_file import DesignFile
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


@dataclass(frozen=True)
class Parts:
    """What a regression's options say.

    Parameters
    ----------
    formula : Formula
    design : Design
    file : DesignFile or None
        The file of the rows, if the design has one.
    """

    formula: Formula
    design: Design
    file: DesignFile | None


def read(options: Options, trials: bool, intercept: bool) -> Parts:
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
    parts = read_parts(options.formula, options.design, options.sizes)
    formula, design = parts.formula, parts.design
    try:
        _check_trials(formula, design, trials)
        if not intercept and () not in formula.population:
            raise ValueError("must not remove the intercept, which thresholds replace")
    except ValueError as error:
        raise ValueError(f"formula: {error}") from None
    return parts


def read_parts(text: str, given: Any, sizes: Any) -> Parts:
    """Return the formula and the design of a study; errors are those of `read`."""
    variables = {design_file.ROWS: given} if isinstance(given, str) else given
    groups = sizes
    if isinstance(given, list):  # as `content` returns it
        variables, groups = dict(given), dict(sizes)
    formula, file = _formula(text), None
    if isinstance(variables, Mapping) and design_file.ROWS in variables:
        if groups:
            raise ValueError("sizes: must not be given, the rows of the design have the groups")
        if "missing" in variables:
            raise ValueError("design.missing: must not be given, the file has the rows")
        variables = dict(variables)
        expected = variables.pop(design_file.DIGEST, None)
        file = design_file.read(variables.pop(design_file.ROWS), expected)
        variables = _variables_of(file, formula) | variables
        groups = dict.fromkeys(name for name in formula.factors if name != PARTICIPANT)
    design = read_design(variables, groups)
    try:
        _check(formula, design)
        _check_terms(formula, design)
    except ValueError as error:
        raise ValueError(f"formula: {error}") from None
    return Parts(formula, design, file)


def _formula(text: str) -> Formula:
    try:
        return read_formula(text)
    except ValueError as error:
        raise ValueError(f"formula: {error}") from None


def _variables_of(file: DesignFile, formula: Formula) -> dict[str, Any]:
    """The variables of a formula as a file has them."""
    trials = [formula.trials] if isinstance(formula.trials, str) else []
    names = [*formula.variables, *trials]
    file.require([PARTICIPANT, *formula.factors, *names])
    return {name: file.variable(name) for name in names}


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


def content(parts: Parts) -> dict[str, Any]:
    """Return options that give these parts, without those that have their default."""
    formula, design, file = parts.formula, parts.design, parts.file
    found: dict[str, Any] = {}
    if formula.text != DEFAULT_FORMULA:
        found["formula"] = formula.text
    serialised = design.serialised()
    if file:
        rows = [[design_file.ROWS, file.path], [design_file.DIGEST, file.digest]]
        return found | {"design": [*serialised["design"], *rows]}
    if serialised != read_design(DEFAULT_DESIGN, {}).serialised():
        found |= serialised
    return found
