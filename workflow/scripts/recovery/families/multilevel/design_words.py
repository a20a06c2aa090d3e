"""A formula and the variables of its design in words, for the report."""

from __future__ import annotations

from recovery.families.designs import Covariate, Factor
from recovery.families.multilevel.design_file import DesignFile
from recovery.families.multilevel.layout import Layout


def in_words(layout: Layout, file: DesignFile | None = None) -> dict[str, str]:
    """Return a formula and the variables of its design in words; of a file, only its factors."""
    shown = layout.design.factors if file else layout.design.variables
    rows = {"Rows": f"those of {file.path}"} if file else {}
    used = {name: _variable(each) for name, each in shown.items() if name in layout.predictors}
    return {"Formula": layout.formula.text, **rows, **used}


def _variable(variable: Factor | Covariate) -> str:
    """Return a variable in words: `factor easy, hard (coding difference), Latin square of item`."""
    if isinstance(variable, Factor):
        coding = variable.coding if isinstance(variable.coding, str) else "matrix"
        shares = [f"{100 * share:g} %" for share in variable.shares or ()]
        parts = [f"factor {', '.join(variable.levels)}", f"{coding} coding"]
        parts += [f"shares {', '.join(shares)}"] if shares else []
        parts += [f"within {', '.join(variable.within)}"] if variable.within else []
        parts += [f"Latin square of {variable.latin}"] if variable.latin else []
    else:
        given = variable.model_dump(exclude_none=True, exclude_defaults=True)
        distribution = next(key for key in given if key not in ("between", "correlated"))
        value = given[distribution]
        numbers = value if isinstance(value, tuple | list) else (value,)
        parts = [f"{distribution}({', '.join(f'{each:g}' for each in numbers)})"]
        parts += [
            f"correlation {each:g} with {other}"
            for other, each in (variable.correlated or {}).items()
        ]
    return ", ".join([*parts, *([f"between {variable.between}"] if variable.between else [])])
