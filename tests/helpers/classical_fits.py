"""Datasets of multilevel_linear, and what its classical estimators make of them."""

import numpy as np
from conftest import LINEAR


def linear_truth(b, sd, cor, sigma=1):
    """A truth of an intercept and a slope."""
    names = ("Intercept", "x")
    return LINEAR.Truth(
        b=dict(zip(names, b, strict=True)),
        sd={"participant": dict(zip(names, sd, strict=True))},
        cor={"participant": cor},
        sigma=sigma,
    )


TRUTH = linear_truth((0.5, 1), (1, 0.5), 0.3)


def simulated(seed=1, participants=24, observations=8, family=LINEAR, truth=TRUTH):
    return family.simulate(truth, participants, observations, np.random.default_rng(seed))[0]


def fitted(name, columns, family=LINEAR) -> tuple[dict, dict]:
    """Estimates and standard errors by parameter."""
    found = family.ESTIMATORS[name].fit(columns)
    return tuple(
        {
            name: each
            for part in found.parts
            for name, each in zip(part.names, of(part), strict=True)
        }
        for of in (lambda part: part.value, lambda part: part.error)
    )


def interval(name, columns, parameter, level=0.95, family=LINEAR) -> list[float]:
    (part,) = (p for p in family.ESTIMATORS[name].fit(columns).parts if parameter in p.names)
    place = list(part.names).index(parameter)
    return [float(part.quantile(p)[place]) for p in ((1 - level) / 2, (1 + level) / 2)]


def unbalanced(columns, rng):
    """Two thirds of the rows, at random."""
    keep = rng.random(columns["y"].size) < 2 / 3
    return {name: values[keep] for name, values in columns.items()}
