"""Replay a fit that a study file or a manifest names, and describe it: `make replay`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from recovery.common.errors import StudyError
from recovery.common.user_files import LARGEST_DATA, read_text, refuse_outside, shipped
from recovery.plan.design import Cell
from recovery.plan.manifest import differences
from recovery.run import preflight
from recovery.run.replay import Replayed, replay
from recovery.study import overrides
from recovery.study.yaml_file import read_yaml

_KEYS = ["scenario", "model", "prior", "replicate"]


def named_fit(text: str) -> tuple[Cell, int]:
    """Return the cell and the replicate that SCENARIO/MODEL/PRIOR/REPLICATE names."""
    parts = text.split("/")
    if len(parts) != 4 or not parts[3].isdecimal():
        raise StudyError(f"fit: got {text!r}, must be SCENARIO/MODEL/PRIOR/REPLICATE")
    return (parts[0], parts[1], parts[2]), int(parts[3])


def replay_from_file(
    file: str, cell: Cell, replicate: int, changes: Sequence[str], say: Callable[[str], None]
) -> Replayed:
    """Make one fit of a study again.

    Parameters
    ----------
    file : str
        The study file, or the manifest.json of a study's results.
    changes : sequence of str
        `KEY=VALUE` of the option `--config`.
    say : callable
        Given each difference between the manifest and this machine, before the fit.

    Raises
    ------
    StudyError, EngineError, StaleTableError
        If the study has no such fit, or it cannot be made.
    """
    manifest, raw = manifest_and_study(file)
    raw = overrides.apply_changes(raw, changes)
    refuse_outside(raw, file)
    programs = shipped("stan")
    design = preflight.prepare(raw, file, programs, thoroughly=False)
    for line in differences(manifest, design) if manifest else []:
        say(line)
    return replay(design, cell, replicate, programs)


def manifest_and_study(file: str) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Return the manifest, or None for a study file, and the study."""
    if not file.endswith(".json"):
        return None, read_yaml(file)
    try:
        manifest = json.loads(read_text(file, LARGEST_DATA))
        if "study" not in manifest:
            return None, read_yaml(file)
        return manifest, dict(manifest["study"])
    except (ValueError, RecursionError, TypeError) as error:
        raise StudyError(f"{file}: is not the manifest of a study: {error}") from None


def described(replayed: Replayed) -> str:
    """Return a fit's diagnostics and estimates, and how they compare with the study's tables."""
    attempts = replayed.diagnostics.dropna(axis="columns", how="all").to_dict("records")
    blocks = [
        "\n".join(f"{name:18} {value}" for name, value in attempt.items()) for attempt in attempts
    ]
    if len(replayed.estimates):
        blocks.append(replayed.estimates.drop(columns=_KEYS).to_string(index=False))
    end = f"Draws: {replayed.draws}\n" if replayed.draws else ""
    return "\n\n".join([*blocks, end + _comparison(replayed)])


def _comparison(replayed: Replayed) -> str:
    if replayed.differences is None:
        return "The study's tables have no such fit to compare with."
    same = "The same as in the study's tables, to the last digit."
    lines = replayed.differences or [same]
    if not replayed.same_identity:
        lines = [
            "The study's tables were made by another version of study, program, code or engine.",
            *lines,
        ]
    return "\n".join(lines)
