"""The folders whose files are made again when `--forcerun` or `--force` forces jobs.

Snakemake runs whatever depends on a forced job, unless all its inputs from that job are `ancient`.
So `Inputs` marks no file in these folders.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class Step:
    """Rules that write into the same folders."""

    rules: tuple[str, ...]
    folders: tuple[str, ...]
    """Folders and files in the study's results."""
    reads: tuple[str, ...] = ()
    """The steps whose outputs are its inputs, in any study."""


STEPS = {  # each after the steps that it reads
    "compile": Step(("compile",), ("programs",)),
    "check": Step(("check",), ("family.txt",), ("compile",)),
    "observe": Step(("observe",), ("observed/data",)),
    "fit_observed": Step(
        ("fit_observed", "estimate_observed", "approximate_observed"),
        ("observed",),
        ("compile", "check", "observe"),
    ),
    "simulate": Step(("simulate",), ("data", "truth"), ("check", "observe", "fit_observed")),
    "fit": Step(
        ("fit", "estimate", "approximate"),
        ("estimates", "groups", "diagnostics", "draws", "loo", "evidence"),
        ("compile", "check", "simulate"),
    ),
    "verify": Step(("verify",), ("verified",), ("compile", "check", "simulate")),
    "summarise": Step(("summarise",), ("summary",), ("simulate", "fit", "verify", "fit_observed")),
    "large_csv": Step(("large_csv",), (), ("summarise",)),
    "figures": Step(
        ("figures",), ("figures",), ("simulate", "fit", "verify", "fit_observed", "summarise")
    ),
    "report": Step(
        ("report",),
        ("report.html", "manifest.json", "tables"),
        ("fit_observed", "summarise", "figures"),
    ),
    "outcome": Step(("outcome",), ("outcome.txt",), ("summarise", "report")),
}


def add_shared_jobs(workflow: Any, shared: Mapping[str, Collection[Any]]) -> None:
    """Let the name of a rule in Snakemake's options mean its shared jobs too: `--until fit`.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        Its plan and its groups are changed.
    shared : mapping
        Name of a rule -> the rules of its shared jobs.
    """
    dag, groups = workflow.dag, dict(workflow.group_settings.overwrite_groups)
    forced = {rule.name for rule in dag.forcerules}
    for name, rules in shared.items():
        if name in forced:
            dag.forcerules.update(rules)
        if name in groups:
            groups |= {rule.name: groups[name] for rule in rules}
        for names in (dag.untilrules, dag.omitrules):
            if name in names:
                names.update(rule.name for rule in rules)
    workflow.group_settings.overwrite_groups = groups


def folder_of(file: str) -> str:
    """Return the folder, or the file, in the study's results that a file belongs to."""
    parts = PurePath(os.path.relpath(file)).parts[2:]  # after results/NAME
    return "/".join(parts[: 2 if parts[:2] == ("observed", "data") else 1])


def folders_made_again(settings: Any, rule_name: Callable[[str], str] = str) -> frozenset[str]:
    """Return the folders of all steps that are forced or depend on a forced one.

    Parameters
    ----------
    settings : snakemake.settings.types.DAGSettings
        Options of the command line that decide which jobs are run.
    rule_name : callable
        From the name of a rule to its name in a workflow that uses this one as a module.
    """
    if settings.forceall:
        return frozenset(folder for step in STEPS.values() for folder in step.folders)
    targets = settings.targets if settings.forcetargets else ()
    forced = {*settings.forcerun, *targets}
    forced |= {re.sub(r"_shared_\d+$", "", name) for name in forced}
    forced_folders = set(map(folder_of, forced))
    again: dict[str, Step] = {}
    for name, step in STEPS.items():
        if (
            not forced.isdisjoint(map(rule_name, step.rules))
            or not forced_folders.isdisjoint(step.folders)
            or not again.keys().isdisjoint(step.reads)
        ):
            again[name] = step
    return frozenset(folder for step in again.values() for folder in step.folders)
