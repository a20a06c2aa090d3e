"""What a fit costs by a fixed estimate, from its method, the size of its data and its draws."""

from __future__ import annotations

from recovery.families.family import Model
from recovery.plan.scenarios import Scenario
from recovery.study.keys import Study
from recovery.study.methods import method

OBSERVATIONS = 10  # of a participant, where the design is observed
ITERATIONS = 8000  # of the fits that families give the seconds of: 4 chains of 2000
APPROXIMATION = 0.1  # of the seconds of sampling


def rows_of_dataset(study: Study, scenario: Scenario) -> int:
    """Return the rows of a dataset; about as many, where the design is observed."""
    family = study.scored_family
    if scenario.observations is None:
        each = 1 if family.ROWS_IN_FILE else OBSERVATIONS
        return family.number_of_rows(scenario.participants, each)
    sizes = dict(scenario.sizes)
    return family.number_of_rows(scenario.participants, scenario.observations, sizes)


def fit_seconds(study: Study, scenario: Scenario, name: str) -> float:
    """Return about how many processor seconds a fit takes.

    Parameters
    ----------
    name : str
        A model, an approximation of a model or an estimator.
    """
    chosen = method(study.scored_family, name)
    fixed, per_row = chosen.seconds
    seconds = fixed + per_row * rows_of_dataset(study, scenario)
    if not isinstance(chosen, Model):
        return seconds
    if name in study.approximations:
        return APPROXIMATION * seconds
    sampler = study.sampler.given()
    return seconds * sampler["chains"] * (sampler["warmup"] + sampler["draws"]) / ITERATIONS
