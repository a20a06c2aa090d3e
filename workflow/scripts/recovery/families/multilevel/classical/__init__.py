"""Estimators of multilevel regressions without Stan and without a prior.

The modules that compute them are imported by the first fit, because planning needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from recovery.families.estimators import Estimator, EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.layout import Layout

_MIXED = (
    "coefficients that vary by group without priors, by {method} (Bates et al. 2015). "
    "Intervals are Wald intervals: normal for b and groups' deviations, on the scale of log SD for "
    "standard deviations and of Fisher's z for correlations. If the maximum is on the boundary, "
    "with an SD of 0 or correlations at their bounds (a singular fit), the fit counts as not "
    "converged, and standard deviations and correlations of coefficients have no intervals; "
    "those of b, sigma and groups' deviations treat parameters on the boundary as known."
)
_POOLED = (
    "the same coefficients for all groups by maximum likelihood ({model}), with normal "
    "intervals. It treats the observations of a group as independent. If outcomes are separated, "
    "the maximum-likelihood estimate does not exist and the fit fails."
)


def linear(layout: Layout, outcome_parameters: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the estimators of a linear regression.

    Parameters
    ----------
    outcome_parameters : tuple of str
        The residual standard deviation.
    """
    without_variances = (*layout.b, *outcome_parameters)
    scored = (*layout.b, *layout.sd, *layout.cor, *outcome_parameters)
    reml = _MIXED.format(method="restricted maximum likelihood")
    ml = _MIXED.format(method="maximum likelihood")
    estimators = {}
    if layout.only_block:
        estimators = {
            "reml": Estimator(partial(_reml, layout), "REML", "partial", scored, reml),
            "ml": Estimator(partial(_ml, layout), "ML", "partial", scored, ml),
        }
    estimators |= {
        "ols": Estimator(
            partial(_ols, layout),
            "OLS, pooled",
            "complete",
            without_variances,
            "the same coefficients for all groups by ordinary least squares, with intervals from "
            "Student's t and, for sigma, chi-squared. It treats the observations of a group as "
            "independent.",
        ),
    }
    if layout.all_vary:
        estimators["least_squares"] = Estimator(
            partial(_separate, layout),
            "OLS, separate",
            "none",
            without_variances,
            "separate least-squares coefficients for every group; b is their mean, and its "
            "standard error is computed from their standard deviation (the two-step, or "
            "summary-statistics, approach). If a group's coefficients cannot be estimated, the "
            "fit fails.",
        )
    return estimators


def robust(layout: Layout) -> dict[str, Estimator]:
    """Return the estimator of a linear regression with heavy-tailed residuals."""
    note = (
        "the same coefficients for all groups by ordinary least squares, with intervals from "
        "Student's t. It treats the observations of a group as independent and residuals as normal."
    )
    return {
        "ols": Estimator(
            partial(_ols_beta, layout), "OLS, pooled", "complete", tuple(layout.b), note
        )
    }


def bernoulli(layout: Layout) -> dict[str, Estimator]:
    """Return the estimator of a logistic regression."""
    return _pooled("glm", "GLM, pooled", tuple(layout.b), "logit link", partial(_bernoulli, layout))


def poisson(layout: Layout) -> dict[str, Estimator]:
    """Return the estimator of a log-linear regression."""
    fit = partial(_poisson, layout)
    return _pooled("glm", "GLM, pooled", tuple(layout.b), "log link", fit)


def ordinal(layout: Layout, thresholds: list[str]) -> dict[str, Estimator]:
    """Return the estimator of a cumulative-logit regression."""
    scored, fit = (*layout.b, *thresholds), partial(_ordinal, layout, thresholds)
    model = "proportional odds; if a category has no outcomes, the fit fails"
    return _pooled("polr", "Proportional odds, pooled", scored, model, fit)


def _pooled(
    name: str,
    label: str,
    scored: tuple[str, ...],
    model: str,
    fit: Callable[[Columns], EstimatorResult],
) -> dict[str, Estimator]:
    note = _POOLED.format(model=model)
    return {name: Estimator(fit, label, "complete", scored, note, "statsmodels")}


def _reml(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import mixed

    return mixed.fit(layout, columns, restricted=True)


def _ml(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import mixed

    return mixed.fit(layout, columns, restricted=False)


def _ols(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import least_squares

    return least_squares.pooled(layout, columns)


def _separate(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import least_squares

    return least_squares.separate(layout, columns)


def _ols_beta(layout: Layout, columns: Columns) -> EstimatorResult:
    b, _ = _ols(layout, columns).parts
    return EstimatorResult([b])


def _bernoulli(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import generalized

    return generalized.binomial(layout, columns)


def _poisson(layout: Layout, columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import generalized

    return generalized.poisson(layout, columns)


def _ordinal(layout: Layout, thresholds: list[str], columns: Columns) -> EstimatorResult:
    from recovery.families.multilevel.classical import generalized

    return generalized.ordered(layout, thresholds, columns)
