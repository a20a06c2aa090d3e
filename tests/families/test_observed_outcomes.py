"""Observed outcomes that are not normal: what is read, and what is refused."""

import numpy as np
import pytest
from outcome_families import (
    BERNOULLI,
    BETA,
    BINOMIAL,
    EXPOSED,
    GAMMA,
    LOGNORMAL,
    NEGATIVE,
    ORDINAL,
    POISSON,
    ROBUST,
)

TABLE = {"who": np.array([1, 1, 2]), "day": np.array([0.0, 1.0, 2.0])}


def read(family, y, standardize=False, **more):
    names = {"y": "y", "x": "day", "participant": "who"}
    table = TABLE | {"y": np.array(y), "time": np.array([1, 2, 0.5]), "n": np.array([1, 4, 4])}
    if "exposure" in family.COLUMNS:
        names["exposure"] = "time"
    table |= {name: np.array(values) for name, values in more.items()}
    return family.read_observed(table, family.ObservedColumns(**names), standardize)


def test_observed_outcomes_are_integers_and_never_standardized():
    columns = read(BERNOULLI, [0.0, 1.0, 1.0], standardize=True)
    assert columns["y"].tolist() == [0, 1, 1]
    assert np.issubdtype(columns["y"].dtype, np.integer)
    assert columns["x"].tolist() == [-1, 0, 1]
    assert read(BINOMIAL, [0, 4, 2], standardize=True)["n"].tolist() == [1, 4, 4]
    assert read(GAMMA, [1, 4, 2], standardize=True)["y"].tolist() == [1, 4, 2]


@pytest.mark.parametrize(
    ("family", "y", "words"),
    [
        (BERNOULLI, [0, 1, 2], "column 'y' must hold only 0 and 1"),
        (
            POISSON,
            [0, 1, 0.5],
            "column 'y' must hold counts: whole numbers from 0 to 2,147,483,647",
        ),
        (POISSON, [0, -1, 1], "column 'y' must hold counts"),
        (POISSON, [0, 2**31, 1], "column 'y' must hold counts"),
        (ORDINAL, [0, 1, 2], "column 'y' must hold only categories, whole numbers from 1 to 4"),
        (ORDINAL, [1, 2, 5], "column 'y' must hold only categories"),
        (ROBUST, ["a", "b", "c"], "column 'y' must hold numbers"),
        (NEGATIVE, [0, 1, 0.5], "column 'y' must hold counts"),
        (BINOMIAL, [2, 1, 4], "column 'y' must hold whole numbers from 0 to the number of trials"),
        (BINOMIAL, [1, 1, 5], "column 'y' must hold whole numbers from 0 to the number of trials"),
        (LOGNORMAL, [1, 2, 0], "column 'y' must hold numbers above 0"),
        (GAMMA, [1, 2, -1], "column 'y' must hold numbers above 0"),
        (BETA, [0.1, 0.2, 1], "column 'y' must hold numbers between 0 and 1"),
    ],
)
def test_observed_outcomes_of_another_type_are_refused_with_a_message(family, y, words):
    with pytest.raises(ValueError, match=words):
        read(family, y)


def test_observed_exposures_must_have_a_logarithm():
    with pytest.raises(ValueError, match="offset"):
        read(EXPOSED, [0, 1, 2], time=[1, 0, 2])
