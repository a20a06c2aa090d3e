"""The programs that multilevel families share: what each is, in words."""

from __future__ import annotations

from collections.abc import Collection

from recovery.families.family import Model
from recovery.families.multilevel.layout import Layout

JOINT = "multilevel"
_WHOLE = {
    "centered": (
        "Centred",
        "varying intercepts and slopes, sampled as they are. It has trouble when participants "
        "have few observations: divergent transitions, low effective sample sizes.",
    ),
    "noncentered": (
        "Non-centred",
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
    "marginal": (
        "Marginal",
        "the same model and the same posterior as centred and non-centred. Participants' "
        "intercepts and slopes are integrated out, and drawn afterwards from what the data and "
        "each posterior draw say about them.",
    ),
}
_ALONE = "varying intercepts and slopes, sampled through standard normal deviations."
_POOLED = (
    "one line for everybody. It takes the observations of a participant for independent, so "
    "its intervals for beta are too narrow when participants differ{own}."
)
_UNPOOLED = (
    "a line of its own for every participant. Its beta is the mean of the lines of the "
    "participants who were observed. Scored against the population's beta it covers too "
    "little: it leaves out that other participants might have been observed."
)


def models(
    family: str,
    layout: Layout,
    own: Collection[str],
    serving: Collection[str],
    absorbs: str = "",
) -> dict[str, Model]:
    """Return the models of a multilevel family.

    Parameters
    ----------
    own : collection of str
        Parameters of the outcome.
    serving : collection of str
        The programs it has.
    absorbs : str
        What a parameter of the pooled program holds besides its own, to end a sentence.
    """
    beta = (*layout.beta, *own)
    whole = (*layout.beta, *layout.sigma_p, *layout.omega, *own)
    pooled = _POOLED.format(own=absorbs)
    models = {
        "pooled": Model(f"{family}/pooled.stan", "Pooled", "complete", beta, "pooled", pooled),
        "unpooled": Model(
            f"{family}/unpooled.stan", "Unpooled", "none", beta, "unpooled", _UNPOOLED
        ),
    }
    for name, (label, note) in _WHOLE.items():
        program, alone = f"{family}/{name}.stan", "centered" not in serving
        models[name] = Model(
            program,
            label,
            "partial",
            whole,
            JOINT,
            _ALONE if alone else note,
            integrated=name == "marginal",
        )
    return {name: model for name, model in models.items() if name in serving}
