"""Families of outcomes that are not normal, and a truth of each."""

import pytest

from recovery import families

ROBUST, BERNOULLI, POISSON, NEGATIVE, LOGNORMAL, GAMMA, BETA = (
    families.find(f"multilevel_{name}")
    for name in (
        "robust",
        "bernoulli",
        "poisson",
        "negative_binomial",
        "lognormal",
        "gamma",
        "beta",
    )
)
EXPOSED, EXPOSED_NEGATIVE = (
    families.find(
        {
            "name": f"multilevel_{name}",
            "formula": "y ~ x + offset(log(exposure)) + (x | participant)",
            "design": {"x": {"normal": [0, 1]}, "exposure": {"uniform": [2, 6]}},
        }
    )
    for name in ("poisson", "negative_binomial")
)
BINOMIAL = families.find(
    {
        "name": "multilevel_binomial",
        "formula": "y | trials(n) ~ x + (x | participant)",
        "design": {"x": {"normal": [0, 1]}, "n": {"values": [1, 4, 20]}},
    }
)
ORDINAL = families.find({"name": "multilevel_ordinal", "categories": 4})
C = (-1.0, 0.5, 2.0)
THRESHOLDS = {f"b_Intercept[{k}]": c for k, c in enumerate(C, start=1)}


def values_of(b, sd=(0, 0), cor=0.0):
    """The values of a truth of an intercept and a slope, or of a slope alone."""
    names = ("Intercept", "x")
    return {
        "b": dict(zip(names[-len(b) :], b, strict=True)),
        "sd": {"participant": dict(zip(names, sd, strict=True))},
        "cor": {"participant": cor},
    }


ALIKE, DIFFERENT = values_of((0.5, -1.0)), values_of((0.5, -1.0), (1.0, 0.5), 0.3)
TRUTHS = {
    "robust": (ROBUST, ROBUST.Truth(**DIFFERENT, sigma=1.5, nu=4.0)),
    "Bernoulli": (BERNOULLI, BERNOULLI.Truth(**DIFFERENT)),
    "Poisson": (POISSON, POISSON.Truth(**DIFFERENT)),
    "Poisson with exposures": (EXPOSED, EXPOSED.Truth(**DIFFERENT)),
    "binomial": (BINOMIAL, BINOMIAL.Truth(**DIFFERENT)),
    "ordinal": (
        ORDINAL,
        ORDINAL.Truth(**values_of((-1.0,), (1.0, 0.5), 0.3), thresholds=C),
    ),
    "negative binomial": (NEGATIVE, NEGATIVE.Truth(**DIFFERENT, shape=1.5)),
    "negative binomial with exposures": (
        EXPOSED_NEGATIVE,
        EXPOSED_NEGATIVE.Truth(**DIFFERENT, shape=0.7),
    ),
    "lognormal": (LOGNORMAL, LOGNORMAL.Truth(**DIFFERENT, sigma=0.6)),
    "gamma": (GAMMA, GAMMA.Truth(**DIFFERENT, shape=2.5)),
    "beta": (BETA, BETA.Truth(**DIFFERENT, phi=8.0)),
}
every_family = pytest.mark.parametrize(("family", "truth"), TRUTHS.values(), ids=TRUTHS)
REGRESSION = {
    "Intercept": "normal(0, 1)",
    "b": "normal(0, 1)",
    "sd": "exponential(1)",
    "cor": "lkj(1)",
}
