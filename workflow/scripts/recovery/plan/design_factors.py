"""The factors that the cells of a study cross: those of scenarios, then model and prior."""

from __future__ import annotations

from typing import Any

from recovery.plan.design import Design
from recovery.plan.scenarios import scenarios_of
from recovery.study.keys import Study
from recovery.study.methods import NO_PRIOR

Levels = dict[str, tuple[Any, ...]]  # factor -> its levels, in the order of the study


def is_crossed(study: Study) -> bool:
    """Whether scenarios are all combinations of the levels of their factors.

    They are not if truths from observed data, which have the design of these data, are beside
    truths with other numbers of observations or groups.
    """
    scenarios = scenarios_of(study)
    designs = {(scenario.observations, scenario.sizes) for scenario in scenarios}
    return len(scenarios) == len(study.truths) * len(study.participants) * len(designs)


def has_several_cells(study: Study) -> bool:
    """Whether the models and approximations of a study have more than one cell."""
    fits = [prior for _, prior in study.fits if prior != NO_PRIOR]
    return len(scenarios_of(study)) * len(fits) > 1


def scenario_factors(design: Design) -> Levels:
    """Return the factors of crossed scenarios, in the order in which scenarios vary.

    Of truths with the same content, which share their datasets, only the first is a level.
    """
    study, scenarios = design.study, list(design.scenarios.values())
    by_datasets: dict[str, str] = {}
    first_of_truth = {scenario.truth: scenario for scenario in reversed(scenarios)}
    for truth in study.truths:
        name = first_of_truth[truth].name
        batch = design.data_batches(name)[0]
        by_datasets.setdefault(design.simulation(name, batch)["identity"], truth)
    sizes = dict(scenarios[0].sizes)
    return {
        "truth": tuple(by_datasets.values()),
        "participants": study.participants,
        "observations": tuple(dict.fromkeys(each.observations for each in scenarios)),
        **{f"n_{name}": study.counted_sizes[name] for name in sizes},
    }


def term_words(term: str) -> str:
    """Return a term of the table `design_effects` in words, with a multiplication sign."""
    return " \N{MULTIPLICATION SIGN} ".join(part.removeprefix("n_") for part in term.split(" x "))
