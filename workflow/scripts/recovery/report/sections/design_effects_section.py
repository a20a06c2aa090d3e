"""Which factors of the design matter, in words, and a row for each effect."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.design_factors import has_several_cells, is_crossed, term_words
from recovery.plan.figure_list import words
from recovery.score.design_effects import CLEAR, MEASURES
from recovery.study.keys import Study
from recovery.study.methods import method

NOT_CROSSED = (
    "Scenarios are not fully crossed, as truths from observed data have the design of these data, "
    "so the factors have no separate effects."
)
NAMES = {
    "bias": "bias",
    "mse": "squared error",
    "coverage": "coverage of {level} intervals",
    "interval_width": "width of {level} intervals",
}


def section(study: Study, family: Family, table: pd.DataFrame) -> dict[str, Any] | None:
    """Return the clear effects on each measure and a row for each effect; None for one cell.

    An effect is clear if its corrected p-value is below 5 %. There are no effects, but a `reason`,
    if scenarios are not crossed.

    Parameters
    ----------
    table : DataFrame
        The summary table `design_effects`.
    """
    crossed = is_crossed(study)
    if not has_several_cells(study) or (crossed and table.empty):
        return None
    level = f"{round(100 * study.plotted_level, 6):g} %"
    names = {measure: NAMES[measure].format(level=level) for measure in MEASURES}
    parameters = list(family.PARAMETERS)
    rows = [
        {
            **row,
            "measure": names[row["measure"]],
            "term": term_words(row["term"]),
            "order": parameters.index(row["parameter"]),
            "levels": _levels(family, row),
        }
        for row in table.to_dict("records")
    ]
    return {
        "reason": None if crossed else NOT_CROSSED,
        "measures": [
            {"name": names[measure], "effects": _clear(table[table["measure"] == measure])}
            for measure in dict.fromkeys(table["measure"])
        ],
        "rows": rows,
        "n_left_out": int(table["n_left_out"].max()) if len(table) else 0,
        "n_untested": int(table["p_value"].isna().sum()),
    }


def _clear(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The terms with a clear effect on some parameters, most parameters and largest share first."""
    clear = table[table["p_corrected"] < CLEAR]
    effects = [
        {
            "term": term_words(term),
            "n": len(rows),
            "n_parameters": int((table["term"] == term).sum()),
            "lowest": rows["share"].min(),
            "highest": rows["share"].max(),
        }
        for term, rows in clear.groupby("term", sort=False)
    ]
    return sorted(effects, key=lambda effect: (-effect["n"], -effect["highest"]))


def _levels(family: Family, row: dict[str, Any]) -> str:
    """The levels of the largest difference: larger minus smaller; empty for an interaction."""
    if pd.isna(row["from_level"]):
        return ""
    names = [row["to_level"], row["from_level"]]
    if row["term"] == "model":
        names = [method(family, name).label for name in names]
    if row["term"] in ("truth", "prior"):
        names = [words(name) for name in names]
    return " \N{MINUS SIGN} ".join(names)
