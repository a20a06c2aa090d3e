"""Estimators of multilevel regressions that need neither Stan nor a prior.

What they compute lies in modules of its own, imported with the first fit: a plan needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from recovery.families.family import Columns, Estimated, Estimator
from recovery.families.multilevel.layout import Layout

_MIXED = (
    "varying intercepts and slopes without priors, by {what} (Bates et al. 2015). Intervals are "
    "Wald's: normal for beta and for participants' own coefficients, on the scale of log SD for "
    "standard deviations and of Fisher's z for correlations. Where the maximum lies on the edge, "
    "an SD at 0 or correlations at their bounds (a singular fit), the fit counts as not "
    "converged, and standard deviations and correlations of coefficients have no intervals; "
    "those of beta, sigma and participants' own coefficients take what is on the edge as known."
)
_POOLED = (
    "one line for everybody by maximum likelihood ({which}), with normal intervals. It takes the "
    "observations of a participant for independent. Where outcomes are separated there is no "
    "maximum, and the fit fails."
)


def estimators(layout: Layout, own: tuple[str, ...]) -> dict[str, Estimator]:
    """Return the estimators of a linear regression.

    Parameters
    ----------
    own : tuple of str
        Parameters of the outcome: the residual standard deviation.
    """
    lines = (*layout.beta, *own)
    whole = (*layout.beta, *layout.sigma_p, *layout.omega, *own)
    reml, ml = (
        _MIXED.format(what=what) for what in ("restricted maximum likelihood", "maximum likelihood")
    )
    found = {
        "reml": Estimator(partial(_reml, layout), "REML", "partial", whole, reml),
        "ml": Estimator(partial(_ml, layout), "ML", "partial", whole, ml),
        "ols": Estimator(
            partial(_ols, layout),
            "OLS, pooled",
            "complete",
            lines,
            "one line for everybody by ordinary least squares, with intervals from Student's t "
            "and, for sigma, chi-squared. It takes the observations of a participant for "
            "independent.",
        ),
    }
    if layout.all_vary:
        found["least_squares"] = Estimator(
            partial(_lines, layout),
            "OLS, separate",
            "none",
            lines,
            "a least-squares line of its own for every participant; beta is the mean of the "
            "lines, its standard error from their spread (the two-step, or summary-statistics, "
            "approach). A participant whose line cannot be drawn fails the fit.",
        )
    return found


def straight(layout: Layout) -> dict[str, Estimator]:
    """Return the estimator of a line whose residuals are not normal."""
    note = (
        "one line for everybody by ordinary least squares, with intervals from Student's t. It "
        "takes the observations of a participant for independent, and residuals for normal."
    )
    return {
        "ols": Estimator(
            partial(_beta, layout), "OLS, pooled", "complete", tuple(layout.beta), note
        )
    }


def binomial(layout: Layout) -> dict[str, Estimator]:
    """Return the estimator of a logistic regression."""
    return _generalized(
        "glm", "GLM, pooled", tuple(layout.beta), "logit link", partial(_binomial, layout)
    )


def poisson(layout: Layout, offset: Callable[[Columns], Any]) -> dict[str, Estimator]:
    """Return the estimator of a log-linear regression; `offset` is what it adds."""
    fit = partial(_poisson, layout, offset)
    return _generalized("glm", "GLM, pooled", tuple(layout.beta), "log link", fit)


def ordered(layout: Layout, thresholds: list[str]) -> dict[str, Estimator]:
    """Return the estimator of cumulative logits."""
    scored, fit = (*layout.beta, *thresholds), partial(_ordered, layout, thresholds)
    which = "proportional odds; a category without outcomes fails the fit"
    return _generalized("polr", "Proportional odds, pooled", scored, which, fit)


def _generalized(
    name: str, label: str, scored: tuple[str, ...], which: str, fit: Callable[[Columns], Estimated]
) -> dict[str, Estimator]:
    note = _POOLED.format(which=which)
    return {name: Estimator(fit, label, "complete", scored, note, "statsmodels")}


def _reml(layout: Layout, columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import mixed

    return mixed.fit(layout, columns, restricted=True)


def _ml(layout: Layout, columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import mixed

    return mixed.fit(layout, columns, restricted=False)


def _ols(layout: Layout, columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import least_squares

    return least_squares.pooled(layout, columns)


def _lines(layout: Layout, columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import least_squares

    return least_squares.own(layout, columns)


def _beta(layout: Layout, columns: Columns) -> Estimated:
    beta, _ = _ols(layout, columns).parts
    return Estimated([beta])


def _binomial(layout: Layout, columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import generalized

    return generalized.binomial(layout, columns)


def _poisson(layout: Layout, offset: Callable[[Columns], Any], columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import generalized

    return generalized.poisson(layout, offset(columns), columns)


def _ordered(layout: Layout, thresholds: list[str], columns: Columns) -> Estimated:
    from recovery.families.multilevel.classical import generalized

    return generalized.ordered(layout, thresholds, columns)
