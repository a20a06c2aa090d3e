"""Pooled maximum likelihood for outcomes that are not normal, against closed forms."""

import numpy as np
import pytest
from scipy.optimize import minimize

from recovery import families

BINARY = families.find("multilevel_bernoulli")
COUNTS = families.find(
    {
        "name": "multilevel_poisson",
        "formula": "y ~ x + offset(log(exposure)) + (x | participant)",
        "design": {"x": {"normal": [0, 1]}, "exposure": {"uniform": [0.5, 2]}},
    }
)
ORDERED = families.find({"name": "multilevel_ordinal", "categories": 3})
ROBUST = families.find("multilevel_robust")


def dataset(x, y, **more):
    participant = 1 + np.arange(len(y)) % 4
    return {"participant": participant, "x": np.array(x, float), "y": np.array(y), **more}


def fitted(family, name, columns):
    """Value and standard error of every parameter, and the bounds of 95 % intervals."""
    result = family.ESTIMATORS[name].fit(columns)
    (part,) = result.parts
    assert result.not_converged_because == ""
    assert tuple(part.names) == family.ESTIMATORS[name].scored
    return part.value, part.error, [part.quantile(p) for p in (0.025, 0.975)]


def two_groups(counts):
    """Outcomes of two groups: counts[x][y] observations with x of 0 or 1 and outcome y."""
    rows = [(x, y) for x, group in enumerate(counts) for y, n in enumerate(group) for _ in range(n)]
    return (np.array(column) for column in zip(*rows, strict=True))


def test_a_binary_predictor_gives_the_log_odds_ratio_and_woolfs_standard_error():
    # Woolf (1955), doi:10.1111/j.1469-1809.1955.tb01348.x: sqrt(1/a + 1/b + 1/c + 1/d).
    x, y = two_groups([(30, 10), (15, 25)])
    value, error, _ = fitted(BINARY, "glm", dataset(x, y))
    assert value == pytest.approx([np.log(10 / 30), np.log(25 * 30 / (15 * 10))], rel=1e-6)
    woolf = np.sqrt(1 / 30 + 1 / 10 + 1 / 15 + 1 / 25)
    assert error == pytest.approx([np.sqrt(1 / 30 + 1 / 10), woolf], rel=1e-6)


def test_intervals_are_wald_intervals():
    x, y = two_groups([(30, 10), (15, 25)])
    value, error, (low, high) = fitted(BINARY, "glm", dataset(x, y))
    assert low == pytest.approx(value - 1.959964 * error, rel=1e-6)
    assert high == pytest.approx(value + 1.959964 * error, rel=1e-6)


def test_counts_of_two_groups_give_the_log_rate_ratio(rng):
    x, exposure = np.repeat([0, 1], 30), rng.uniform(0.5, 2, 60)
    y = rng.poisson(exposure * np.where(x == 1, 6, 3))
    value, error, _ = fitted(COUNTS, "glm", dataset(x, y, exposure=exposure))
    events, time = (np.array([of[x == group].sum() for group in (0, 1)]) for of in (y, exposure))
    rates = np.log(events / time)
    assert value == pytest.approx([rates[0], rates[1] - rates[0]], rel=1e-6)
    assert error == pytest.approx([events[0] ** -0.5, np.sqrt((1 / events).sum())], rel=1e-6)


def test_estimates_of_ordered_categories_maximize_the_likelihood_of_the_family(rng):
    x, y = two_groups([(30, 25, 10), (12, 22, 31)])
    columns = dataset(x + rng.normal(0, 0.3, x.size), y + 1)

    def deviance(values):
        names = ("b_x", "b_Intercept[1]", "b_Intercept[2]")
        named = dict(zip(names, values[:, None], strict=True))
        return -float(ORDERED.log_likelihood(named, columns).sum())

    start = np.array([0, -0.5, 0.5])
    best = minimize(deviance, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    value, error, _ = fitted(ORDERED, "polr", columns)
    assert value == pytest.approx(best.x, abs=1e-4)
    assert error == pytest.approx(np.sqrt(np.diag(np.linalg.inv(curvature(deviance, value)))), 1e-3)


def curvature(function, at, step=1e-3):
    """The matrix of second derivatives, by central differences."""
    moves = step * np.eye(at.size)
    return np.array(
        [
            [
                (
                    function(at + one + other)
                    - function(at + one - other)
                    - function(at - one + other)
                    + function(at - one - other)
                )
                / (4 * step**2)
                for other in moves
            ]
            for one in moves
        ]
    )


def test_with_heavy_tails_the_line_is_that_of_least_squares(rng):
    x = rng.normal(size=40)
    y = 1 + 2 * x + rng.standard_t(3, size=40)
    value, _, _ = fitted(ROBUST, "ols", dataset(x, y))
    assert value[::-1] == pytest.approx(np.polyfit(x, y, 1), rel=1e-8)


GRID = np.linspace(-1, 1, 40)
SEPARATED = [
    ("complete", BINARY, "glm", dataset([-2, -1, 1, 2], [0, 0, 1, 1])),
    ("quasi-complete", BINARY, "glm", dataset([-2, -1, 0, 0, 1, 2], [0, 0, 0, 1, 1, 1])),
    ("far from 0", BINARY, "glm", dataset(1e6 + GRID, (GRID > 0.1).astype(int))),
    ("in small units", ORDERED, "polr", dataset(1e-6 * GRID, 1 + (GRID > -0.3) + (GRID > 0.4))),
    ("one value alone", BINARY, "glm", dataset([-2, -1, 1, 2], [1, 1, 1, 1])),
    ("no counts", COUNTS, "glm", dataset([1, 2, 3], [0, 0, 0], exposure=np.ones(3))),
    ("no counts there", COUNTS, "glm", dataset([0, 0, 1, 1], [2, 3, 0, 0], exposure=np.ones(4))),
    ("in order", ORDERED, "polr", dataset([1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3])),
]


@pytest.mark.parametrize(
    ("family", "name", "columns"), [case[1:] for case in SEPARATED], ids=[c[0] for c in SEPARATED]
)
def test_separated_outcomes_fail_with_a_message(family, name, columns):
    with pytest.raises(RuntimeError, match="separation: the maximum-likelihood estimate does not"):
        family.ESTIMATORS[name].fit(columns)


def test_outcomes_that_overlap_by_one_are_not_separated():
    columns = dataset([-2, -1, 1, 2, 0.5, -0.5], [0, 0, 1, 1, 0, 1])
    value, error, _ = fitted(BINARY, "glm", columns)
    assert np.isfinite([*value, *error]).all()


@pytest.mark.parametrize(("shift", "scale"), [(0, 1e-5), (1e4, 1), (-3e5, 1e3)])
@pytest.mark.parametrize("name", ["glm", "polr"])
def test_units_and_origin_of_a_predictor_only_change_the_scale_of_estimates(
    rng, name, shift, scale
):
    family, counts = (
        (BINARY, [(30, 10), (15, 25)]) if name == "glm" else (ORDERED, [(30, 25, 10), (12, 22, 31)])
    )
    x, y = two_groups(counts)
    x, y = x + rng.normal(0, 0.3, x.size), y + (name == "polr")
    value, error, _ = fitted(family, name, dataset(x, y))
    moved, its_error, _ = fitted(family, name, dataset(shift + scale * x, y))
    slope = 1 if name == "glm" else 0
    assert scale * moved[slope] == pytest.approx(value[slope], rel=1e-4)
    assert scale * its_error[slope] == pytest.approx(error[slope], rel=1e-4)
    intercept = moved[0] + moved[1] * shift if name == "glm" else moved[1] - moved[0] * shift
    assert intercept == pytest.approx(value[1 - slope], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(("family", "name"), [(BINARY, "glm"), (ORDERED, "polr")])
def test_a_predictor_that_does_not_vary_fails_with_a_message(family, name):
    columns = dataset(np.full(9, 0.5), [1, 2, 3] * 3 if name == "polr" else [0, 1, 1] * 3)
    with pytest.raises(RuntimeError, match="are collinear"):
        family.ESTIMATORS[name].fit(columns)


def test_a_category_without_outcomes_fails_with_a_message():
    columns = dataset([1, 2, 3, 4, 2, 3], [1, 3, 1, 3, 3, 1])
    with pytest.raises(RuntimeError, match="no outcome is in category 2"):
        ORDERED.ESTIMATORS["polr"].fit(columns)


def test_every_estimator_names_the_package_that_computes_it():
    result = {
        name: family.ESTIMATORS[name].library
        for family in (BINARY, COUNTS, ORDERED, ROBUST)
        for name in family.ESTIMATORS
    }
    in_r = {"glmer": "lme4", "glmmTMB": "glmmTMB", "clmm": "ordinal"}
    assert result == {"glm": "statsmodels", "polr": "statsmodels", "ols": "scipy"} | in_r
