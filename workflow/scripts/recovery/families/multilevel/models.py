"""The models that multilevel families share: their labels and notes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from recovery.families.family import Model
from recovery.families.multilevel.layout import Layout

JOINT = "multilevel"
_MULTILEVEL = {
    "centered": (
        "Centred",
        "varying intercepts and slopes, sampled directly. If participants have few observations, "
        "transitions diverge and effective sample sizes are low.",
    ),
    "noncentered": (
        "Non-centred",
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
    "marginal": (
        "Marginal",
        "the same model and the same posterior as centred and non-centred. Participants' "
        "intercepts and slopes are integrated out, and drawn afterwards from their conditional "
        "distribution given the data and each posterior draw.",
    ),
}
_SECONDS = {  # as in Model.seconds, for a normal outcome
    "pooled": (0.03, 0.00006),
    "unpooled": (0.05, 0.0006),
    "centered": (0.4, 0.0006),
    "noncentered": (0.4, 0.0014),
    "marginal": (0.13, 0.00002),
}
_LONGER = 4  # trajectories than those of the pooled model
_ONLY_NONCENTERED = "varying intercepts and slopes, sampled through standard normal deviations."
_POOLED = (
    "one line for all participants. It treats the observations of a participant as independent, "
    "so its intervals for beta are too narrow if participants differ{addition}."
)
_UNPOOLED = (
    "a separate line for every participant. Its beta is the mean of the lines of the observed "
    "participants. Compared with the population's beta, its coverage is too low, because it "
    "ignores that other participants might have been observed."
)


def models(
    family: str,
    layout: Layout,
    outcome_parameters: Collection[str],
    available: Collection[str],
    pooled_addition: str = "",
    density_seconds: float = 0.0,
) -> dict[str, Model]:
    """Return the models of a multilevel family.

    Parameters
    ----------
    outcome_parameters : collection of str
    available : collection of str
        The programs that the family has.
    pooled_addition : str
        The end of the note on the pooled model: how its parameters differ from the others'.
    density_seconds : float
        How much longer 8000 iterations of the pooled model take with each row of data than if
        the outcome were normal.
    """
    beta = (*layout.beta, *outcome_parameters)
    scored = (*layout.beta, *layout.sigma_p, *layout.omega, *outcome_parameters)
    pooled = _POOLED.format(addition=pooled_addition)
    models = {
        "pooled": Model(f"{family}/pooled.stan", "Pooled", "complete", beta, "pooled", pooled),
        "unpooled": Model(
            f"{family}/unpooled.stan", "Unpooled", "none", beta, "unpooled", _UNPOOLED
        ),
    }
    for name, (label, note) in _MULTILEVEL.items():
        models[name] = Model(
            f"{family}/{name}.stan",
            label,
            "partial",
            scored,
            JOINT,
            note if "centered" in available else _ONLY_NONCENTERED,
            integrated=name == "marginal",
        )
    return {
        name: replace(model, seconds=_seconds(name, density_seconds))
        for name, model in models.items()
        if name in available
    }


def _seconds(model: str, density_seconds: float) -> tuple[float, float]:
    fixed, per_row = _SECONDS[model]
    return fixed, per_row + (1 if model == "pooled" else _LONGER) * density_seconds
