"""What fits answer to the decisions of a study, and how often. Pure but for `observed_answers`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from recovery import tables
from recovery.families.priors import cannot_be_zero, fixed_by
from recovery.plan.design import Cell, Design
from recovery.score.measures import (
    ABSENT,
    Cells,
    Fits,
    Measure,
    Replicates,
    from_table,
    pairs,
    proportion,
)
from recovery.score.measures.fit_outcomes import common_replicates
from recovery.score.measures.monte_carlo import paired_difference
from recovery.score.measures.paired_differences import difference, discordant
from recovery.study.decisions import Equivalence, Evidence, Excludes, OneSided, Rule
from recovery.study.methods import method

YES, NO, UNDECIDED = "yes", "no", "undecided"
COMPARED = (YES, "right")  # outcomes that are compared between models and between priors
SAME = 1e-9  # posterior SDs by which two equal values may differ: truths that follow are rounded
_RATES = ["model", "prior", "decision", "parameter", "subset", "outcome"]
_RATES += ["n_replicates", "n_left_out", "n_of_outcome", "rate", "mcse", "lower", "upper"]
_DIFFERENCES = ["compared", "first", "second", "given", "decision", "parameter", "subset"]
_DIFFERENCES += ["outcome", "first_rate", "second_rate", "value", "mcse", "lower", "upper"]
_DIFFERENCES += ["n_pairs"]


@dataclass(frozen=True)
class Answers:
    """The answers of the fits of one cell to one decision, sorted by replicate.

    Parameters
    ----------
    replicate : ndarray of int, shape (n,)
        The replicates whose fit has an answer.
    yes, no, right : ndarray of bool, shape (n,)
        An answer that is neither yes nor no is undecided. `right` is false where the truth is not
        known.
    """

    replicate: np.ndarray
    yes: np.ndarray
    no: np.ndarray
    right: np.ndarray

    @property
    def outcomes(self) -> dict[str, np.ndarray]:
        """Every outcome, and which fits have it."""
        decided = self.yes | self.no
        return {
            YES: self.yes,
            NO: self.no,
            UNDECIDED: ~decided,
            "right": self.right,
            "wrong": decided & ~self.right,
        }

    def subset(self, replicates: np.ndarray) -> Answers:
        """Return the answers of the replicates with these numbers."""
        chosen = np.isin(self.replicate, replicates)
        arrays = (self.replicate, self.yes, self.no, self.right)
        return Answers(*(each[chosen] for each in arrays))


def answers(rule: Rule, x: Replicates, evidence: pd.DataFrame | None = None) -> Answers:
    """Return what each fit answers; those without an interval, or a Bayes factor, have no answer.

    Neither has an interval that cannot contain 0, if the decision is whether it excludes 0.

    Parameters
    ----------
    evidence : DataFrame, optional
        The cell's rows of the table `evidence`, for a decision by Bayes factors.
    """
    if isinstance(rule, Evidence):
        return _by_evidence(rule, x, evidence)
    x = x.with_standard_error
    low, high = x.bounds[rule.level]
    if isinstance(rule, Excludes):
        if x.one_sided and rule.excludes == 0:
            return _none()
        side = 1 * (low > rule.excludes) - 1 * (high < rule.excludes)
        return Answers(x.replicate, side != 0, side == 0, side == _side(x, rule.excludes))
    if isinstance(rule, OneSided):
        return _one_sided(rule, x, low, high)
    return _equivalence(rule, x, low, high)


def _none() -> Answers:
    return Answers(np.empty(0, dtype=int), *(np.empty(0, dtype=bool) for _ in range(3)))


def _side(x: Replicates, value: float) -> np.ndarray:
    """1 where the truth is above a value, -1 where it is below, 0 where they are equal."""
    difference = x.truth - value
    return np.where(np.abs(difference) <= SAME * x.sd, 0, np.sign(difference))


def _one_sided(rule: OneSided, x: Replicates, low: np.ndarray, high: np.ndarray) -> Answers:
    _, value = rule.threshold
    sign = 1 if rule.above is not None else -1
    yes = low > value if sign > 0 else high < value
    return Answers(x.replicate, yes, ~yes, yes == (_side(x, value) == sign))


def _equivalence(rule: Equivalence, x: Replicates, low: np.ndarray, high: np.ndarray) -> Answers:
    least, most = rule.rope
    inside, outside = (low >= least) & (high <= most), (high < least) | (low > most)
    is_inside = (_side(x, least) >= 0) & (_side(x, most) <= 0)
    right = np.where(is_inside, inside, outside)
    yes, no = (inside, outside) if rule.inside else (outside, inside)
    return Answers(x.replicate, yes, no, right)


def _by_evidence(rule: Evidence, x: Replicates, evidence: pd.DataFrame | None) -> Answers:
    """Yes, no and undecided by the Bayes factor, or by the bound that is known of it."""
    if evidence is None:
        return _none()
    of_rule = (evidence["parameter"] == rule.of) & (evidence["null"] == rule.null)
    known = evidence[of_rule & evidence["log_bf"].notna()].set_index("replicate")
    x = x.subset(x.replicate[np.isin(x.replicate, known.index)])
    known = known.loc[x.replicate]
    log_bf, bound = known["log_bf"].to_numpy(dtype=float), known["bound"].to_numpy()
    yes = log_bf >= np.log(rule.bf)
    no = (log_bf <= -np.log(rule.bf)) & (bound != "at least")
    differs = _side(x, rule.null) != 0
    return Answers(x.replicate, yes, no, np.where(differs, yes, no))


def of_scenario(
    rules: Mapping[str, Rule],
    cells: Cells,
    evidence: Mapping[tuple[str, str], pd.DataFrame],
    n_planned: int,
) -> dict[str, pd.DataFrame]:
    """Return one scenario's part of the tables `decisions` and `decision_differences`.

    Parameters
    ----------
    evidence : mapping
        (model, prior) -> the cell's rows of the table `evidence`, of cells that have it.
    n_planned : int
        Number of planned replicates.

    References
    ----------
    Differences: Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B.
    """
    rates, differences = [], []
    for name, rule in rules.items():
        given = {
            cell: answers(rule, fits.estimates[rule.of], evidence.get(cell))
            for cell, fits in cells.items()
            if rule.of in fits.estimates
        }
        for cell, each in given.items():
            rows = _rates(each, cells[cell], n_planned)
            rates += [(*cell, name, rule.of, *row) for row in rows]
        for names, one, other in pairs(given):
            rows = _differences((given[one], given[other]), (cells[one], cells[other]))
            differences += [(*names, name, rule.of, *row) for row in rows]
    return {
        "decisions": pd.DataFrame(rates, columns=_RATES),
        "decision_differences": pd.DataFrame(differences, columns=_DIFFERENCES),
    }


def _rates(every: Answers, fits: Fits, n_planned: int) -> Iterable[tuple]:
    """Yield subset, outcome, numbers of replicates and rate of each outcome of a cell."""
    subsets = (("all", every, n_planned), ("converged", every.subset(fits.converged), None))
    for subset, part, planned in subsets:
        n = part.replicate.size
        left_out = (fits.converged.size if planned is None else planned) - n
        for outcome, hits in part.outcomes.items():
            rate = _share(hits)
            numbers = (rate.value, rate.mcse, rate.lower, rate.upper)
            yield subset, outcome, n, left_out, int(hits.sum()), *numbers


def _share(hits: np.ndarray) -> Measure:
    return proportion(hits) if hits.size else ABSENT


def _differences(pair: tuple[Answers, Answers], fits: tuple[Fits, Fits]) -> Iterable[tuple]:
    """Yield subset, outcome, rates, their difference and number of pairs of two cells."""
    both = common_replicates([each.replicate for each in pair])
    converged = common_replicates([both, *(each.converged for each in fits)])
    for subset, replicates in (("all", both), ("common", converged)):
        first, second = (each.subset(replicates).outcomes for each in pair)
        for outcome in COMPARED:
            shares = _share(first[outcome]), _share(second[outcome])
            rates = tuple(each.value for each in shares)
            yield subset, outcome, *rates, *_difference(shares), replicates.size


def _difference(shares: tuple[Measure, Measure]) -> tuple[float, ...]:
    """The difference of two shares of the same datasets, its MCSE and its 95 % interval."""
    n = shares[0].influence.size
    if n < 2:
        return (np.nan,) * 4
    return *difference(*shares), *paired_difference(*discordant(*shares), n)


def observed_answers(design: Design) -> pd.DataFrame:
    """Return what fits to observed data answer.

    Returns
    -------
    DataFrame
        dataset, model, prior, decision, answer (null: the fit failed or has no interval).
    """
    rows = []
    for cell in design.observed_cells:
        dataset, model, prior = cell
        rows += [
            (dataset, model, prior, name, _observed_answer(design, cell, rule))
            for name, rule in design.study.decisions.items()
            if rule.of in method(design.family, model).scored
            and rule.of not in fixed_by(design.study.priors.get(prior))
        ]
    return pd.DataFrame(rows, columns=["dataset", "model", "prior", "decision", "answer"])


def _observed_answer(design: Design, cell: Cell, rule: Rule) -> str | None:
    estimates = tables.read_frame([design.observed_file("estimates", *cell)])
    rows = estimates[estimates["parameter"] == rule.of]
    intervals = {level: tables.interval_columns(level) for level in design.study.levels}
    evidence = None
    if "evidence" in design.tables_of(cell):
        evidence = tables.read_frame([design.observed_file("evidence", *cell)])
    one_sided = cannot_be_zero(design.study.priors.get(cell[2]), rule.of)
    given = answers(rule, from_table(rows, intervals, one_sided=one_sided), evidence).outcomes
    return next((name for name in (YES, NO, UNDECIDED) if given[name].any()), None)
