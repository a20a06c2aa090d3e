"""The variables of a design in words, for the report."""

from __future__ import annotations

from recovery.families.designs import Covariate, Factor


def in_words(variable: Factor | Covariate) -> str:
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
