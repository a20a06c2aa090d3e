"""The estimators of a regression, from the packages `classical` and `in_r`.

The packages are imported by name at run time, because they decide only estimates, neither datasets
nor fits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from recovery.families.estimators import Estimator
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.outcome import Outcome

Classical = Callable[[ModuleType, Layout], Mapping[str, Estimator]]
"""The package `classical` and the layout -> the family's estimators from there."""


def estimators(
    family: str, layout: Layout, outcome: Outcome, of_classical: Classical | None
) -> tuple[dict[str, Estimator], dict[str, tuple[Path, ...]]]:
    """Return the estimators of a family by name, and the files of each."""
    classical, in_r = (import_module(f"{__package__}.{name}") for name in ("classical", "in_r"))
    of_r = in_r.estimators(family, layout, outcome)
    ours = {} if of_classical is None else dict(of_classical(classical, layout))
    files = dict.fromkeys(ours, (Path(str(classical.__file__)),))
    return ours | of_r, files | dict.fromkeys(of_r, (Path(str(in_r.__file__)), in_r.SCRIPT))
