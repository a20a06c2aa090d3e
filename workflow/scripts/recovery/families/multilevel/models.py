"""The models that multilevel families share: their labels and notes."""

from __future__ import annotations

from collections.abc import Collection

from recovery.families.family import Model
from recovery.families.multilevel.layout import INTERCEPT, Layout

JOINT = "multilevel"
_LABELS = {
    "pooled": ("Pooled", "complete", "pooled"),
    "unpooled": ("Unpooled", "none", "unpooled"),
    "centered": ("Centred", "partial", JOINT),
    "noncentered": ("Non-centred", "partial", JOINT),
    "marginal": ("Marginal", "partial", JOINT),
}
_NOTES = {
    "pooled": (
        "the same coefficients for all groups. It treats the observations of a group as "
        "independent, so its intervals are too narrow if groups differ{addition}."
    ),
    "unpooled": (
        "separate coefficients for every group. Its population coefficients are the means over "
        "the observed groups, so their coverage is too low: other groups might have been observed."
    ),
    "centered": (
        "coefficients that vary by group, sampled directly. If groups have few observations, "
        "transitions diverge and effective sample sizes are low."
    ),
    "noncentered": (
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations."
    ),
    "marginal": (
        "the same model and the same posterior as centred and non-centred. Groups' coefficients "
        "are integrated out, and drawn afterwards from their conditional distribution given the "
        "data and each posterior draw."
    ),
}
_SECONDS = {  # of programs, as in Model.seconds, for a normal outcome
    "pooled": (0.03, 0.00006),
    "unpooled": (0.05, 0.0006),
    "centered": (0.4, 0.0006),
    "noncentered": (0.4, 0.0014),
    "marginal_lines": (0.13, 0.00002),
    "marginal": (0.1, 0.00003),  # times the square of the number of varying coefficients
}
_LONGER = 4  # trajectories than those of the pooled model
_CROSSED = 5  # times as long for each further term in parentheses


def models(
    family: str,
    layout: Layout,
    outcome_parameters: Collection[str],
    available: Collection[str],
    pooled_note: str,
    density_seconds: float,
) -> dict[str, Model]:
    """Return the models of a multilevel family for a formula.

    Parameters
    ----------
    family : str
        The folder of its programs.
    outcome_parameters, available : collection of str
        The outcome's parameters, and the programs that the family has.
    pooled_note : str
        The end of the note on the pooled model: how its parameters differ from the others'.
    density_seconds : float
        How much longer 8000 iterations of the pooled model take with each row of data than if
        the outcome were normal.
    """
    population = (*layout.b, *outcome_parameters)
    everything = (*layout.b, *layout.sd, *layout.cor, *outcome_parameters)
    found = {}
    for name in available:
        if not _fits(name, layout):
            continue
        label, pooling, joint = _LABELS[name]
        file = _file(name, layout)
        fixed, per_row = _SECONDS[file]
        if file == "marginal":
            fixed, per_row = (each * sum(layout.sizes) ** 2 for each in (fixed, per_row))
        elif pooling == "partial":
            per_row *= _CROSSED ** (len(layout.blocks) - 1)
        longer = 1 if name == "pooled" else _LONGER
        found[name] = Model(
            f"{family}/{file}.stan",
            label,
            pooling,  # type: ignore[arg-type] # one of its three values
            everything if pooling == "partial" else population,
            joint,
            _NOTES[name].format(addition=pooled_note),
            integrated=name == "marginal",
            seconds=(fixed, per_row + longer * density_seconds),
        )
    return found


def _fits(model: str, layout: Layout) -> bool:
    """Whether a model has a formula's terms."""
    if model == "pooled":
        return True
    if model == "unpooled":
        return layout.all_vary
    if model == "marginal":
        return layout.only_factor is not None
    return bool(layout.blocks)


def _file(model: str, layout: Layout) -> str:
    """The name of a model's program; a straight line of every group has a faster one."""
    lines = layout.all_vary and layout.size == 2 and layout.coefficients[0] == INTERCEPT
    return "marginal_lines" if model == "marginal" and lines else model
