"""Outcomes that each prior expects, in words and as rows of a table."""

from __future__ import annotations

from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import Figure, words
from recovery.plan.prior_panels import MOST_PANELS, at_means, prior_panels
from recovery.report.ademp import listed
from recovery.report.number_formats import absent, number, percent
from recovery.score.failures import LONGEST_REASON
from recovery.study.keys import Study

PREDICTIONS = ("prior_predictive", "prior_outcomes")


def rows(
    study: Study, family: Family, table: pd.DataFrame, categories: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return what each prior expects: a row for each prior of the table `prior_outcomes`.

    If outcomes are categories, the row has their shares from the table `prior_categories` in place
    of the central 90 % of outcomes.
    """
    known = table.astype(object).where(table.notna(), None)
    shares = {prior: list(part.itertuples()) for prior, part in categories.groupby("prior")}
    return [
        _row(row, words(family.OUTCOME), study, shares.get(row["prior"], []))
        for row in known.to_dict("records")
    ]


def _row(row: dict[str, Any], outcome: str, study: Study, shares: list[Any]) -> dict[str, Any]:
    return {
        "prior": words(row["prior"]),
        "none": f"no prior prediction, since {row['reason']}" if row["reason"] else "",
        "datasets": f"{row['n_draws']:,}",
        "failed": f"{row['n_failed']:,}",
        "central": _of_categories(shares) or _central(row),
        "outside": [_share(row[side], row[f"{side}_mcse"]) for side, _ in _ends(study)],
        "with_any": percent(row["datasets_rate"]),
        "interval": f"{percent(row['datasets_rate_lower']).removesuffix(' %')} to "
        f"{percent(row['datasets_rate_upper'])}",
        "sentence": _sentence(row, outcome, study, shares),
    }


def _of_categories(shares: list[Any]) -> str:
    """The share of every category, in 90 % of datasets; of two, only of the second."""
    return "; ".join(
        f"{each.category}: {percent(each.share)} ({_range(each)})" for each in _enough(shares)
    )


def _range(share: Any) -> str:
    return f"{percent(share.lower).removesuffix(' %')} to {percent(share.upper)}"


def _enough(shares: list[Any]) -> list[Any]:
    """The shares that say everything: of two categories, the second."""
    return shares[1:] if len(shares) == 2 else shares


def labels(study: Study, family: Family) -> list[str]:
    """Return the ends of the plausible range in words: `y below 0`, `y above 3,600`."""
    return [f"{words(family.OUTCOME)} {side} {_number(end)}" for side, end in _ends(study)]


def _ends(study: Study) -> list[tuple[str, float]]:
    """The sides of the plausible range that have an end."""
    ends = zip(("below", "above"), study.plausible or (None, None), strict=True)
    return [(side, end) for side, end in ends if end is not None]


def _number(value: float) -> str:
    return f"{value:,.6g}".replace("-", "\N{MINUS SIGN}")


def _central(row: dict[str, Any]) -> str:
    """The central 90 % of outcomes; ends of about the same size have the same number of digits."""
    values, errors = (row["lower"], row["upper"]), (row["lower_mcse"], row["upper_mcse"])
    if absent(row["lower"]):
        return "–"
    known = [each for each in errors if not absent(each)]
    whole = all(value % 1 == 0 for value in values)
    if not whole and known and min(map(abs, values)) >= max(known):
        errors = (max(known), max(known))
        return " to ".join(map(number, values, errors))
    return " to ".join(map(_rounded, values, errors))


def _rounded(value: float, mcse: float) -> str:
    """A quantile to two digits of its error; whole numbers, such as counts, as they are."""
    return number(value, mcse) if value % 1 else _number(value)


def _share(value: float, mcse: float) -> str:
    """A share in per cent with its Monte Carlo standard error: `9.3 ± 0.7 %`."""
    if absent(value):
        return "–"
    if value in (0, 1) or not mcse > 0:
        return percent(value)
    return f"{number(100 * value, 100 * mcse)} ± {number(100 * mcse, 100 * mcse)} %"


def _sentence(row: dict[str, Any], outcome: str, study: Study, categories: list[Any]) -> str:
    """What one prior expects, in words."""
    under = f"Under {words(row['prior'])}"
    if row["reason"]:
        return f"{under}, there is no prior prediction, since {row['reason']}."
    parts = []
    if row["n_failed"] < row["n_draws"]:
        parts.append(_expected(row, outcome, study, categories))
    if row["n_failed"]:
        share = percent(row["n_failed"] / row["n_draws"])
        first_line = str(row["error"]).partition("\n")[0]
        parts.append(
            f"{share} of {row['n_draws']:,} datasets could not be simulated "
            f"(first error: {first_line[:LONGEST_REASON]})"
        )
    return f"{under}, {'; '.join(parts)}."


def _expected(row: dict[str, Any], outcome: str, study: Study, categories: list[Any]) -> str:
    """What the simulated datasets of one prior have."""
    if categories and study.plausible is None:
        found = [
            f"{percent(each.share)} of {outcome} are {each.category}, {_range(each)} in the "
            "central 90 % of datasets"
            for each in _enough(categories)
        ]
        return "; ".join(found)
    if study.plausible is None:
        return f"the central 90 % of {outcome} are {_central(row)}"
    shares = [
        f"{_share(row[side], row[f'{side}_mcse'])} of {outcome} are {side} {_number(end)}"
        for side, end in _ends(study)
    ]
    return f"{listed(shares)}; {percent(row['datasets_rate'])} of datasets have such outcomes"


def caption(study: Study, family: Family, figure: Figure, outcomes: list[dict[str, Any]]) -> str:
    """Return what the caption of a figure of priors says about this study."""
    if figure.kind in PREDICTIONS:
        return " ".join(each["sentence"] for each in outcomes)
    if figure.kind != "prior_densities":
        return ""
    panels = prior_panels(family, study)
    shown = {name for panel in panels[:MOST_PANELS] for name in panel.parameters}
    sentences = []
    if at_mean := [name for name in at_means(family) if name in shown]:
        sentences.append(
            f"The prior of {listed(at_mean)} is at the means of the predictors; no posterior is "
            "below it, because fits estimate it at zero."
        )
    if hidden := [name for panel in panels[MOST_PANELS:] for name in panel.parameters]:
        sentences.append(f"Not shown: {listed(hidden)}.")
    return " ".join(sentences)
