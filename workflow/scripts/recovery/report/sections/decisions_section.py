"""Decisions: what each asks in words, how often it is answered yes, and how often rightly."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.figure_list import fit_label, fits_by_prior, words
from recovery.score.decision_rates import COMPARED
from recovery.study.decisions import Equivalence, Evidence, Excludes, OneSided, Rule
from recovery.study.keys import Study
from recovery.study.methods import method


def question(rule: Rule) -> str:
    """Return what must hold for the answer yes, in words."""
    if isinstance(rule, Excludes):
        return (
            f"the {_percent(rule.interval)} interval of {rule.of} excludes {_value(rule.excludes)}"
        )
    if isinstance(rule, Equivalence):
        where = "lies inside" if rule.inside else "lies wholly outside"
        interval = f"the {_percent(rule.interval)} interval of {rule.of}"
        return (
            f"{interval} {where} the region from {_value(rule.rope[0])} to {_value(rule.rope[1])}"
        )
    if isinstance(rule, OneSided):
        side, value = rule.threshold
        claim, least = f"{rule.of} is {side} {_value(value)}", _percent(rule.probability)
        return f"the posterior probability that {claim} is at least {least}"
    return f"the Bayes factor of {rule.of} against {_value(rule.null)} is at least {rule.bf:g}"


def _value(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _percent(share: float) -> str:
    return f"{round(100 * share, 6):g} %"


def no_in_words(rule: Rule) -> str:
    """Return when the answer is no rather than undecided; empty for rules that always decide."""
    if isinstance(rule, Equivalence):
        return "it lies wholly outside" if rule.inside else "it lies inside"
    return f"it is at most 1/{rule.bf:g}" if isinstance(rule, Evidence) else ""


def section(
    study: Study,
    family: Family,
    decisions: pd.DataFrame,
    differences: pd.DataFrame,
    observed: pd.DataFrame,
) -> list[dict[str, Any]]:
    """Return for each decision its question, its rates in every cell and their differences.

    Parameters
    ----------
    decisions, differences : DataFrame
        The tables `decisions` and `decision_differences`.
    observed : DataFrame
        The answers of fits to observed data that `decision_rates.observed_answers` returns.
    """
    everything = decisions[decisions["subset"] == "all"]
    paired = differences[(differences["subset"] == "all") & (differences["n_pairs"] > 0)]
    return [
        {
            "name": words(name),
            "question": question(rule),
            "no": no_in_words(rule),
            "rows": _rows(study, family, everything[everything["decision"] == name]),
            "differences": _differences(study, family, paired[paired["decision"] == name]),
            "observed": _observed(study, observed, name),
        }
        for name, rule in study.decisions.items()
    ]


def observed_fits(study: Study, family: Family) -> list[str]:
    """Return the labels of the fits to an observed dataset, which head the columns of answers."""
    return [fit_label(family, study, *fit) for fit in fits_by_prior(study)]


def _rows(study: Study, family: Family, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each cell, with the rate of every outcome."""
    rows = []
    for (_, model, prior), cell in table.groupby(["scenario", "model", "prior"], sort=False):
        first = cell.iloc[0]
        rows.append(
            {
                **_scenario(study, first),
                "model": method(family, model).label,
                "prior": words(prior),
                "n_replicates": int(first["n_replicates"]),
                "n_left_out": int(first["n_left_out"]),
                "rates": cell.set_index("outcome")[["rate", "lower", "upper"]].to_dict("index"),
            }
        )
    return rows


def _scenario(study: Study, row: pd.Series) -> dict[str, Any]:
    """The factors of a scenario, as the page shows them."""
    return {
        "truth": words(row["truth"]),
        "participants": int(row["participants"]),
        "observations": _count(row["observations"]),
        **{f"n_{name}": _count(row[f"n_{name}"]) for name in study.counted_sizes},
    }


def _count(number: float) -> str:
    return "as observed" if math.isnan(number) else f"{number:.0f}"


def _differences(study: Study, family: Family, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each pair in each scenario, with the differences of the compared outcomes."""
    keys = ["scenario", "compared", "first", "second", "given"]
    rows = []
    for (_, compared, *names, given), pair in table.groupby(keys, sort=False):
        first = pair.iloc[0]
        shown = [_name(family, name, compared == "model") for name in names]
        rows.append(
            {
                **_scenario(study, first),
                "pair": " \N{MINUS SIGN} ".join(shown),
                "given": _name(family, given, compared != "model"),
                "n_pairs": int(first["n_pairs"]),
                "values": pair.set_index("outcome").loc[list(COMPARED)].to_dict("records"),
            }
        )
    return rows


def _name(family: Family, name: str, is_method: bool) -> str:
    """The label of a method, or a prior in words."""
    return method(family, name).label if is_method else words(name)


def _observed(study: Study, table: pd.DataFrame, name: str) -> list[dict[str, Any]]:
    """A row for each observed dataset, with the answer of each fit: null without an answer."""
    if table.empty:
        return []
    known = table[(table["decision"] == name) & table["answer"].notna()]
    answers = known.set_index(["dataset", "model", "prior"])["answer"]
    fits = fits_by_prior(study)
    return [
        {"dataset": dataset, "answers": [answers.get((dataset, *fit)) for fit in fits]}
        for dataset in study.observed
    ]
