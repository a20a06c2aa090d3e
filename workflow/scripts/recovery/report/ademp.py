"""The study in ADEMP order for the manifest, and its truths in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from recovery.families.family import Family
from recovery.plan.design import Design
from recovery.plan.figure_list import words
from recovery.score.measures.performance_measures import ESTIMATE_MEASURES, INTERVAL_MEASURES
from recovery.score.precision import largest_mcse
from recovery.study.keys import Study
from recovery.study.methods import method
from recovery.study.truths import ObservedTruth, PriorTruth


def ademp(design: Design, family: Family, performance: pd.DataFrame) -> dict[str, Any]:
    """Return aims, data-generating mechanisms, estimands, methods and performance measures.

    The order is that of Morris, White & Crowther (2019), the items those of the reporting
    template of Siepe et al. (2024), doi:10.1037/met0000695.
    """
    study = design.study
    return {
        "aims": study.title,
        "data_generating_mechanisms": {
            "factors": {
                "truth": list(study.truths),
                "participants": list(study.participants),
                "observations": list(study.observations),
                **{name: list(sizes) for name, sizes in study.counted_sizes.items()},
            },
            "crossing": "full, except that truths from observed data use the observed design",
            "replicates": study.replicates,
            "largest_mcse_reached": {
                name: largest["mcse"] if math.isfinite(largest["mcse"]) else None
                for name, largest in largest_mcse(performance, study.plotted_level).items()
            },
        },
        "estimands": list(dict.fromkeys(performance["parameter"])),
        "methods": {
            "models": {model: family.MODELS[model].label for model in study.models},
            "priors": list(study.priors),
            "estimators": {name: method(family, name).label for name in study.estimators},
            "crossing": "every model and approximation under every prior, and every estimator "
            "without a prior, on the same datasets",
            "attempts": study.attempts,
        },
        "performance_measures": {
            "of_estimates": list(ESTIMATE_MEASURES),
            "of_intervals": list(INTERVAL_MEASURES),
            "levels": list(study.levels),
            "failed_fits": "rows without estimates; only in rates of failure",
            "not_converged": "in the main results (subset all); left out in the subsets "
            "converged and common; counted as missed and as covered in bounds on coverage",
        },
    }


def truths_in_words(truths: Mapping[str, Any]) -> list[str]:
    """Return the kind and name of each truth."""
    kinds: dict[type, str] = {
        PriorTruth: "a truth drawn from a prior for each replicate",
        ObservedTruth: "the posterior mean of a fit to observed data",
    }
    return [
        f"{kinds.get(type(truth), 'a fixed truth')} ({words(name)})"
        for name, truth in truths.items()
    ]


def has_observed_truth(study: Study) -> bool:
    """Whether any truth is estimated from observed data, whose design it uses."""
    return any(isinstance(truth, ObservedTruth) for truth in study.truths.values())


def listed(items: Iterable) -> str:
    """Return items as a list in words: a, b and c."""
    *most, last = map(str, items)
    return f"{', '.join(most)} and {last}" if most else last
