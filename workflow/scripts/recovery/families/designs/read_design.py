"""Read the keys `design` and `sizes` of a study as a checked Design."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from recovery.common.errors import shown
from recovery.families.designs.collected_faults import Faults, Place, unknown
from recovery.families.designs.correlated_covariates import with_correlations_once
from recovery.families.designs.grouping_factors import (
    PARTICIPANT,
    Groups,
    GroupSize,
    Nested,
    ancestors,
)
from recovery.families.designs.missing_rows import read_missing
from recovery.families.designs.typed_design import Design, Variables
from recovery.families.designs.variables import DISTRIBUTIONS, Covariate, Factor

_RESERVED = ("replicate", PARTICIPANT, "Intercept")
_MISSING = "missing"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_LONGEST_NAME = 60


def read_design(design: Mapping[str, Any], sizes: Mapping[str, Any]) -> Design:
    """Return the Design that the keys `design` and `sizes` of a study describe.

    Parameters
    ----------
    design : mapping
        Variable -> its keys, and `missing`, as in the study file.
    sizes : mapping
        Grouping factor -> Nested, its keys, or a list of numbers of groups. None stands for
        any list.

    Returns
    -------
    Design
        Without equal shares, which are the default, and with each correlation once.

    Raises
    ------
    pydantic.ValidationError
        With all faults; their locations begin with `design` or `sizes`.
    """
    faults = Faults()
    groups = _read_groups(sizes, faults)
    variables = _read_variables(design, groups, faults)
    faults.raise_if_any()
    checked = Design(variables=variables, missing=None, groups=groups)
    for name in variables:
        _check_groups_of(name, checked, faults)
    covariates = with_correlations_once(checked.covariates, faults)
    missing = read_missing(design.get(_MISSING), checked.factors, faults)
    faults.raise_if_any()
    return Design(variables={**variables, **covariates}, missing=missing, groups=groups)


def _read_groups(sizes: Any, faults: Faults) -> Groups:
    groups: dict[str, Nested | None] = {}
    if not isinstance(sizes, Mapping):
        faults.add(("sizes",), f"got {shown(sizes)}, must be a mapping of grouping factors")
        return groups
    for name, value in sizes.items():
        if _is_name(name, ("sizes",), (), faults):
            groups[name] = None
            if value is not None:
                read = faults.checked(GroupSize, value, ("sizes", name), keys=("in", "each"))
                groups[name] = read if isinstance(read, Nested) else None
    _check_nesting(groups, faults)
    return groups


def _check_nesting(groups: Groups, faults: Faults) -> None:
    """Add faults for unknown parents and cycles."""
    known = (PARTICIPANT, *groups)
    for name, nested in groups.items():
        if nested is None:
            continue
        place = ("sizes", name, "in")
        if nested.in_ not in known:
            faults.add(place, unknown(nested.in_, [each for each in known if each != name]))
        elif _is_in_a_cycle(groups, name):
            faults.add(place, f"got {nested.in_}, which makes {name} nested in itself")


def _is_in_a_cycle(groups: Groups, name: str) -> bool:
    seen = {name}
    for parent in ancestors(groups, name):
        if parent in seen:
            return True
        seen.add(parent)
    return False


def _read_variables(design: Any, groups: Groups, faults: Faults) -> Variables:
    variables: Variables = {}
    if not isinstance(design, Mapping):
        faults.add(("design",), f"got {shown(design)}, must be a mapping of variables")
        return variables
    for name, value in design.items():
        if name != _MISSING and _is_name(name, ("design",), groups, faults):
            kind: type[Factor | Covariate] = Factor if _has_levels(value) else Covariate
            read = faults.checked(kind, value, ("design", name), keys=kind.model_fields)
            if read is not None:
                variables[name] = read
    return variables


def _has_levels(value: Any) -> bool:
    """Whether a variable is a factor; one with keys of both kinds is, and its message says so."""
    if not isinstance(value, Mapping):
        return False
    only = (set(Factor.model_fields) - set(Covariate.model_fields)) & set(value)
    return "levels" in value or (bool(only) and not set(DISTRIBUTIONS) & set(value))


def _is_name(name: Any, place: Place, taken: Any, faults: Faults) -> bool:
    """Whether a name can be a column; if not, add the fault."""
    if not isinstance(name, str):
        faults.add(
            (*place, shown(name)),
            f"got the key {shown(name)}, keys must be text; write it in quotes",
        )
    elif not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        faults.add(
            (*place, name),
            f"must be a name of letters, digits and underscores that begins with a letter, "
            f"of at most {_LONGEST_NAME} characters",
        )
    elif name in _RESERVED:
        faults.add((*place, name), f"must be another name; every dataset has its own {name}")
    elif hasattr(BaseModel, name) or name.startswith("model_"):
        faults.add((*place, name), "must be another name; the program uses this one")
    elif name in taken:
        faults.add((*place, name), "must be another name; a grouping factor has this one")
    else:
        return True
    return False


def _check_groups_of(name: str, design: Design, faults: Faults) -> None:
    """Add faults for the grouping factors that a variable names."""
    variable = design.variables[name]
    named: dict[str, tuple[str | None, ...]] = {"between": (variable.between,)}
    if isinstance(variable, Factor):
        named |= {"latin": (variable.latin,), "within": variable.within}
    strange = [
        (key, each)
        for key, groups in named.items()
        for each in groups
        if each is not None and each not in design.grouping_factors
    ]
    for key, each in strange:
        faults.add(("design", name, key), unknown(each, design.grouping_factors))
    if isinstance(variable, Factor) and not strange:
        _check_latin(name, variable, design, faults)
        _check_within(name, variable, design, faults)


def _check_latin(name: str, factor: Factor, design: Design, faults: Faults) -> None:
    group, place = factor.latin, ("design", name, "latin")
    if group == PARTICIPANT:
        others = ", ".join(design.groups) or "none is in sizes"
        faults.add(place, f"got {group}, must be another grouping factor ({others})")
    elif group is not None and PARTICIPANT in ancestors(design.groups, group):
        faults.add(
            place,
            f"got {group}, which is nested in {PARTICIPANT}, must be crossed with it; "
            f"write between: {group}",
        )


def _check_within(name: str, factor: Factor, design: Design, faults: Faults) -> None:
    for group in factor.within:
        if not design.varies_within(name, group):
            faults.add(
                ("design", name, "within"),
                f"got {group}, which contradicts between: {factor.between}; "
                f"it is constant within each {group}",
            )
