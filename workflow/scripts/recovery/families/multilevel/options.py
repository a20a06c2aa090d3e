"""The options of a regression: its formula and its design."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from recovery.common.types import Frozen, Text
from recovery.families.designs import Covariate, Design, read_design
from recovery.families.designs.grouping_factors import PARTICIPANT
from recovery.families.formulas import DesignMatrix, Formula, Term, read_formula, term_text
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
        for name, keys in variables.items():
            if name not in (design_file.ROWS, design_file.DIGEST) and not _is_factor(keys):
                raise ValueError(f"design.{name}: must have levels; the file has all numbers")
        expected = variables.pop(design_file.DIGEST, None)
        file = design_file.read(variables.pop(design_file.ROWS), expected)
        variables = _variables_of(file, formula, variables) | variables
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


def _is_factor(keys: Any) -> bool:
    """Whether a variable beside a file is a factor, or a number as `content` gives it."""
    return isinstance(keys, Mapping) and ("levels" in keys or dict(keys) == design_file.NUMBER)


def _variables_of(file: DesignFile, formula: Formula, described: Collection[str]) -> dict[str, Any]:
    """The variables of a formula that are not described, as a file has them."""
    trials = [formula.trials] if isinstance(formula.trials, str) else []
    names = [*formula.variables, *trials]
    file.require([PARTICIPANT, *formula.factors, *names])
    return {name: file.variable(name) for name in names if name not in described}


def _check(formula: Formula, design: Design) -> None:
    """Raise ValueError if the formula has what the design lacks."""
    for name in formula.variables:
        if name not in design.variables:
            hint = nearest(name, design.variables)
            raise ValueError(f"got {name!r}, must be a variable of `design`: {hint}")
    for name in formula.factors:
        if "__" in name:
            raise ValueError(
                f"got the grouping factor {name!r}, must have no two underscores in a row: "
                f"sd_{name} would be the name of another factor's coefficient"
            )
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
    for group in formula.groups:
        for term in group.terms:
            _check_varies(term, group.factor, group.name, design)


def _check_varies(term: Term, factors: Sequence[str], name: str, design: Design) -> None:
    """Raise ValueError if a term is constant in the groups that its coefficient varies by."""
    variables = [variable for atom in term for variable in atom.variables]
    constant = [
        not all(design.varies_within(variable, factor) for factor in factors)
        for variable in variables
    ]
    if variables and all(constant):
        raise ValueError(
            f"{term_text(term)} is the same in all rows of a {name}, so its coefficient cannot "
            f"vary by {name}; write (1 | {name})"
        )


def _check_terms(formula: Formula, design: Design) -> None:
    """Raise ValueError if a term cannot have its variables, such as the log of a factor."""
    layout = Layout(formula, design)
    codings = layout.codings
    for terms in (formula.population, *(group.terms for group in formula.groups)):
        DesignMatrix(terms, codings)
    for atom in formula.offsets:
        if strange := [name for name in atom.variables if name in codings]:
            raise ValueError(f"{atom.text}: got the factor {strange[0]!r}, must be numbers")
    correlated = [block.factor for block in layout.blocks if block.pairs]
    for name in correlated:
        if correlated.count(name) > 1:
            raise ValueError(f"{name} has two terms with correlations, must have one")
    names = [name for block in layout.blocks for name in (*block.sd, *block.cor)]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two parameters have the name {name}; give variables other names")


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


def content(parts: Parts, default: Options) -> dict[str, Any]:
    """Return options that give these parts, without those that have their default."""
    formula, file = parts.formula, parts.file
    found: dict[str, Any] = {} if formula.text == default.formula else {"formula": formula.text}
    serialised = parts.design.serialised()
    if file:
        rows = [[design_file.ROWS, file.path], [design_file.DIGEST, file.digest]]
        return found | {"design": [*serialised["design"], *rows]}
    if serialised != read_design(default.design, default.sizes).serialised():
        found |= serialised
    return found
