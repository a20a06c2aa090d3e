"""Estimators of multilevel regressions that R computes: lme4, glmmTMB and ordinal.

The modules that run R are imported by the first fit, because planning needs none of them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from recovery.families.estimators import Estimator, EstimatorResult
from recovery.families.family import Columns
from recovery.families.multilevel.in_r import packages
from recovery.families.multilevel.layout import Layout
from recovery.families.multilevel.outcome import Outcome

SCRIPT = Path(__file__).with_name("answer_requests.R")

# Family -> R's family (`ordered`: an ordered factor), and the functions that fit it.
_FITTED = {
    "multilevel_linear": ("gaussian", ("lmer", "glmmTMB")),
    "multilevel_lognormal": ("gaussian", ("lmer", "glmmTMB")),
    "multilevel_bernoulli": ("binomial", ("glmer", "glmmTMB")),
    "multilevel_binomial": ("binomial", ("glmer", "glmmTMB")),
    "multilevel_poisson": ("poisson", ("glmer", "glmmTMB")),
    "multilevel_gamma": ("Gamma", ("glmer", "glmmTMB")),
    "multilevel_negative_binomial": ("nbinom2", ("glmmTMB",)),
    "multilevel_beta": ("beta", ("glmmTMB",)),
    "multilevel_ordinal": ("ordered", ("clmm",)),
}
_SINGULAR = (
    "If a standard deviation is 0 or correlations are at their bounds (a singular fit), or the "
    "package says that it did not converge, the fit counts as not converged."
)
_WITHOUT = "Standard deviations, correlations and {own}have no intervals. "
_NOTES = {
    "lmer": (
        "R's lme4 by restricted maximum likelihood. Intervals of b are from Student's t with "
        "Satterthwaite's degrees of freedom if R has lmerTest, else normal. "
        + _WITHOUT.format(own="sigma ")
    ),
    "glmer": (
        "R's lme4 by maximum likelihood with the Laplace approximation. Intervals of b are "
        "normal. " + _WITHOUT.format(own="shape ")
    ),
    "glmmTMB": (
        "R's glmmTMB by maximum likelihood with the Laplace approximation. Intervals are Wald "
        "intervals: normal for b, on the scale of the logarithm for standard deviations and the "
        "outcome's own parameter, and of Fisher's z for correlations. "
    ),
    "clmm": (
        "R's ordinal by maximum likelihood with the Laplace approximation. Intervals of b and "
        "thresholds are normal. " + _WITHOUT.format(own="")
    ),
}
# Seconds of a fit, and of each row more.
_SECONDS = {
    "lmer": (0.15, 0.0001),
    "glmer": (0.3, 0.001),
    "glmmTMB": (0.4, 0.001),
    "clmm": (0.4, 0.003),
}


def estimators(family: str, layout: Layout, outcome: Outcome) -> dict[str, Estimator]:
    """Return the estimators that R has for a family; none if no coefficient varies.

    Parameters
    ----------
    family : str
        The name of a multilevel family.
    """
    if family not in _FITTED or not layout.blocks:
        return {}
    kind, functions = _FITTED[family]
    scored = (*layout.b, *layout.sd, *layout.cor, *outcome.PARAMETERS)
    logarithm = family == "multilevel_lognormal"
    return {
        name: Estimator(
            partial(_fit, name, kind, logarithm, layout, tuple(outcome.PARAMETERS)),
            f"{name} (R)",
            "partial",
            scored,
            _NOTES[name] + _SINGULAR,
            packages.OF_FUNCTIONS[name],
            _SECONDS[name],
            partial(packages.version, name),
        )
        for name in functions
    }


def _fit(
    function: str,
    kind: str,
    logarithm: bool,
    layout: Layout,
    own: tuple[str, ...],
    columns: Columns,
) -> EstimatorResult:
    from recovery.families.multilevel.in_r import answers, process, requests

    request = requests.of(function, kind, logarithm, layout, len(own), columns)
    return answers.read(process.ask(SCRIPT, request), layout, own, columns, logarithm)
