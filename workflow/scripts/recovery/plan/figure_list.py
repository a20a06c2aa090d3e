"""Which figures a study has: their names, titles and places. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recovery.families.family import Family
from recovery.plan.design_factors import has_several_cells, is_crossed
from recovery.plan.prior_panels import has_named_priors
from recovery.plan.scenarios import Scenario, scenarios_of
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR, method
from recovery.study.truths import PriorTruth

REPLICATES_SHOWN = 250  # in figures of single estimates
_BY_CONDITION = {
    "bias": ("Bias", "Performance"),
    "rmse": ("Root mean squared error", "Performance"),
    "coverage": ("Coverage", "Performance"),
    "interval_width": ("Width of intervals", "Performance"),
    "lolly": ("Four measures side by side", "Performance"),
    "decisions": ("Rates of decisions", "Decisions"),
    "planning": ("Participants needed", "Planning"),
    "convergence": ("Convergence", "Computation"),
    "time": ("Cost of a fit", "Computation"),
    "recovered": ("Estimated and true values", "Estimates"),
    "zip": ("Intervals by their distance from the truth", "Estimates"),
    "lines": ("Participants' lines", "Participants"),
    "shrinkage": ("Shrinkage", "Groups"),
    "caterpillar": ("Groups' intervals", "Groups"),
}
_LINE_KINDS = {"lines"}  # need an outcome that is drawn over a predictor
_COEFFICIENT_KINDS = {"shrinkage", "caterpillar"}  # need groups' coefficients
_BY_DRAWN_SCENARIO = {
    "ecdf": "Distribution of ranks",
    "ranks": "Histograms of ranks",
    "contraction": "Posterior z-scores and contraction",
}


def words(name: str) -> str:
    """Return a name from the study file as words; an estimator's prior is none."""
    return "none" if name == NO_PRIOR else name.replace("_", " ")


def fit_label(family: Family, study: Study, model: str, prior: str) -> str:
    """Return a fit's label: its model, and its prior where the study has several."""
    label = method(family, model).label
    several = len(study.priors) > 1 and prior != NO_PRIOR
    return f"{label}, {words(prior)}" if several else label


def fits_by_prior(study: Study) -> list[tuple[str, str]]:
    """Return every model under the first prior, then under the next; then estimators."""
    place = {prior: number for number, prior in enumerate([*study.priors, NO_PRIOR])}
    return sorted(study.fits, key=lambda fit: place[fit[1]])


@dataclass(frozen=True)
class Figure:
    """One figure of a study.

    Parameters
    ----------
    kind : str
        What it shows; its caption is `workflow/report/KIND.rst`.
    name : str
        Its file, without the ending.
    title, category : str
        In words.
    scenarios : tuple of Scenario
        Those that it shows: of one condition, with all participant counts.
    dataset : str or None
        The observed dataset that it shows.
    """

    kind: str
    name: str
    title: str
    category: str
    scenarios: tuple[Scenario, ...] = ()
    dataset: str | None = None


def figures(study: Study) -> list[Figure]:
    """Return the figures of a study, in the order of its report."""
    return [
        *_observed_figures(study),
        *_condition_figures(study),
        *_design_figures(study),
        *_calibration_figures(study),
        *_selection_figures(study),
        *_verification_figures(study),
        *_prior_figures(study),
    ]


def ranked_cells(study: Study) -> list[tuple[str, str, str]]:
    """Return the cells (scenario, model, prior) whose truth is drawn from the prior they have."""
    return [
        (scenario.name, model, study.truths[scenario.truth].prior)
        for scenario in _drawn_scenarios(study)
        for model in study.models
    ]


def _drawn_scenarios(study: Study) -> list[Scenario]:
    return [s for s in scenarios_of(study) if isinstance(study.truths[s.truth], PriorTruth)]


def partial_model(study: Study) -> str | None:
    """Return the last model of a study that pools partially; None if it has none."""
    models = study.scored_family.MODELS
    partial = [model for model in study.models if models[model].pooling == "partial"]
    return partial[-1] if partial else None


def _condition_figures(study: Study) -> Iterator[Figure]:
    conditions: dict[tuple, list[Scenario]] = {}
    for scenario in scenarios_of(study):
        conditions.setdefault(scenario.condition, []).append(scenario)
    for kind, (title, category) in _BY_CONDITION.items():
        if not _is_shown(kind, study):
            continue
        if kind == "planning" and not study.planning:
            continue
        for (truth, observations, sizes), scenarios in conditions.items():
            size = f"-x{observations}" if observations else ""
            size += "".join(f"-{factor}{number}" for factor, number in sizes)
            where = f": {truth}{scenarios[0].other_sizes}"
            yield Figure(
                kind,
                f"{kind}-{truth}{size}",
                title + (where if len(conditions) > 1 else ""),
                category,
                tuple(scenarios),
            )


def _is_shown(kind: str, study: Study) -> bool:
    family = study.scored_family
    if kind == "caterpillar" and partial_model(study) is None:
        return False
    if kind in _COEFFICIENT_KINDS and not family.COEFFICIENTS:
        return False
    if kind == "decisions":
        return bool(study.decisions) and len(study.participants) > 1
    return kind not in _LINE_KINDS or family.AXES is not None


def _design_figures(study: Study) -> Iterator[Figure]:
    """Two figures of the whole design, if it has several cells."""
    scenarios = tuple(scenarios_of(study))
    if len(scenarios) * len(study.priors) > 1:
        title = "Root mean squared error over the whole design"
        yield Figure("nested_loop", "nested_loop", title, "Performance", scenarios)
    if has_several_cells(study) and is_crossed(study):
        title = "Shares of the factors of the design"
        yield Figure("design_effects", "design_effects", title, "Effects", scenarios)


def _calibration_figures(study: Study) -> Iterator[Figure]:
    scenarios = _drawn_scenarios(study)
    for kind, title in _BY_DRAWN_SCENARIO.items():
        for scenario in scenarios:
            where = f": {scenario.name}" if len(scenarios) > 1 else ""
            name = f"{kind}-{scenario.name}"
            yield Figure(kind, name, title + where, "Calibration", (scenario,))


def _selection_figures(study: Study) -> Iterator[Figure]:
    if study.selection:
        scenarios = tuple(scenarios_of(study))
        yield Figure("selection", "selection", "Frequency of chosen models", "Selection", scenarios)


def _verification_figures(study: Study) -> Iterator[Figure]:
    if study.verify:
        yield Figure("verification", "verification", "Two engines compared", "Computation")


def _observed_figures(study: Study) -> Iterator[Figure]:
    for name in study.observed:
        yield Figure(
            "observed", f"observed-{name}", f"Observed data: {name}", "Observed data", (), name
        )
        if study.scored_family.AXES is None:
            continue
        yield Figure(
            "observed_lines",
            f"observed_lines-{name}",
            f"Participants' lines: {name}",
            "Observed data",
            (),
            name,
        )


def _prior_figures(study: Study) -> Iterator[Figure]:
    family = study.scored_family
    if has_named_priors(family):
        yield Figure("prior_densities", "prior_densities", "Densities of priors", "Priors")
    kind = "prior_predictive" if family.AXES else "prior_outcomes"
    yield Figure(kind, kind, "Prior predictive distributions", "Priors")
