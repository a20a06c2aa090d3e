"""A design with its variables, missing rows and grouping factors, as datasets are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recovery.families.designs.grouping_factors import PARTICIPANT, Groups, ancestors
from recovery.families.designs.missing_rows import Missing
from recovery.families.designs.variables import Covariate, Factor

Variables = dict[str, Factor | Covariate]


@dataclass(frozen=True)
class Design:
    """A design that has been checked; `read_design` makes it.

    Parameters
    ----------
    variables : dict
        Name -> Factor or Covariate, in the order of the study file.
    missing : float, dict or None
        Chance that a row is missing: of all rows, or of every level of `{factor: ...}` or
        every cell of `{"factor:factor": ...}`.
    groups : mapping
        Grouping factor other than `participant` -> how it is nested, in the order of the study
        file; None if its number of groups varies by scenario.
    """

    variables: Variables
    missing: Missing | None
    groups: Groups

    @property
    def grouping_factors(self) -> tuple[str, ...]:
        """All grouping factors, participants first."""
        return (PARTICIPANT, *self.groups)

    @property
    def factors(self) -> dict[str, Factor]:
        """The factors, in the order of the study file."""
        return {name: each for name, each in self.variables.items() if isinstance(each, Factor)}

    @property
    def covariates(self) -> dict[str, Covariate]:
        """The covariates, in the order of the study file."""
        return {name: each for name, each in self.variables.items() if isinstance(each, Covariate)}

    @property
    def crossed(self) -> dict[str, Factor]:
        """The factors whose levels every combination of groups meets."""
        return {
            name: each
            for name, each in self.factors.items()
            if each.between is None and each.latin is None
        }

    def between(self, group: str) -> dict[str, Factor]:
        """Return the factors that are constant within each group of a grouping factor."""
        return {name: each for name, each in self.factors.items() if each.between == group}

    def latin(self, group: str) -> dict[str, Factor]:
        """Return the factors with one level for each pair of a participant and a group."""
        return {name: each for name, each in self.factors.items() if each.latin == group}

    def varies_within(self, variable: str, group: str) -> bool:
        """Whether a variable can vary within the groups of a grouping factor."""
        between = self.variables[variable].between
        return between is None or between not in (group, *ancestors(self.groups, group))

    def serialised(self) -> dict[str, list[list[Any]]]:
        """Return plain content without defaults, from which `read_design` makes it again.

        Names are in lists, because their order decides the order of rows and of random numbers:
        content that is hashed or stored with sorted keys keeps it.
        """
        variables: Mapping[str, Any] = {
            name: each.model_dump(mode="json", exclude_defaults=True)
            for name, each in self.variables.items()
        }
        missing = {} if self.missing is None else {"missing": self.missing}
        sizes = {
            name: nested and nested.model_dump(mode="json", by_alias=True)
            for name, nested in self.groups.items()
        }
        return {
            "design": [[name, value] for name, value in {**variables, **missing}.items()],
            "sizes": [[name, value] for name, value in sizes.items()],
        }
