"""What the rule files do around a run: prepare it, lock its results, report the outcome."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from recovery import tables
from recovery.common.errors import StudyError, UserError, bounded
from recovery.common.hashing import digest
from recovery.common.user_files import shipped
from recovery.fit import standing
from recovery.plan import identities, paths, provenance
from recovery.plan.design import Design
from recovery.plan.forcerun import STEPS, folder_of
from recovery.plan.inputs import Inputs
from recovery.plan.params import Params
from recovery.plan.prior_remarks import remarks
from recovery.run import machine, preflight, results_lock
from recovery.study import overrides
from recovery.study.yaml_file import read_yaml

FOLDERS_OF_FITS = {*STEPS["fit"].folders, *STEPS["verify"].folders}


def design_of_run(
    config: Mapping[str, Any],
    file: str,
    *,
    files: Sequence[str] = (),
    entries: Sequence[str] = (),
    main: bool,
) -> Design:
    """Check a study, and return its design.

    Parameters
    ----------
    config : mapping
        The study as Snakemake read it.
    file : str
        The study file, for messages.
    files : sequence of str
        The study files, to be read again for faults that Snakemake ignores; none if another
        workflow uses this one as a module.
    entries : sequence of str
        `KEY=VALUE` of the option `--config`.
    main : bool
        Whether this is the process that plans the run, not one of its jobs.

    Raises
    ------
    UserError
        With a message for the study's author.
    """
    machine.must_allow_files()
    machine.use_temporary_folder()
    if main:
        # Snakemake passes on only the last `--config` of several.
        overrides.refuse_repeated_config(psutil.Process().cmdline())
        for path in files:
            read_yaml(path)  # Snakemake silently keeps the last of two equal keys
    study = overrides.apply_changes(config, entries)
    return preflight.prepare(study, file, shipped("stan"), thoroughly=main)


def refuse_storage(provider: str | None) -> None:
    """Refuse Snakemake's storage for results; StudyError says why.

    Parameters
    ----------
    provider : str or None
        The value of `--default-storage-provider`.
    """
    if provider is not None:
        raise StudyError(
            f"--default-storage-provider: got {provider!r}, must not be given: before any job, the "
            "study is compared with the tables that exist, and a job adds to a table that exists; "
            "both need them in a folder. Use a file system that all machines share."
        )


def check_results(design: Design, as_module: bool) -> None:
    """Refuse existing results that are damaged or of another study, before any job.

    Parameters
    ----------
    as_module : bool
        Whether another workflow uses this one as a module.

    Raises
    ------
    UserError
        With the files, and the command that removes them.
    """
    identities.check_existing(design, _is_remembered(design, as_module))


def force_outdated(dag: Any, design: Design) -> None:
    """Let Snakemake bring tables up to date of which it does not know that they are not.

    It has no record of tables that were copied from elsewhere, and a wrong one of tables that a
    failed job was to add to.

    Parameters
    ----------
    dag : snakemake.dag.DAG
        What Snakemake plans, which is changed.
    """
    dag.forcefiles.update(identities.outdated(design, digest(Params(design).summarise())))


@contextmanager
def exit_if_refused() -> Iterator[None]:
    """End the process with a message instead of a traceback if the user must change something."""
    try:
        yield
    except UserError as refused:
        sys.exit(bounded(str(refused)))


def _is_remembered(design: Design, as_module: bool) -> bool:
    """Whether Snakemake made all results here, and so detects changes itself.

    Snakemake does not run `onstart` of a module, which would note this.
    """
    if as_module:
        return any(Path(".snakemake/metadata").glob("*"))
    return results_lock.is_remembered(design.study)


def take_results(design: Design, file: str, again: Collection[str], jobs: Iterable[Any]) -> None:
    """Lock the folder of results until this process ends: two runs would mix their results.

    Parameters
    ----------
    file : str
        The study file.
    again : collection of str
        The folders whose files forced jobs make again: fits there do not stand.
    jobs : iterable
        Snakemake's jobs, whose files must be writable and not dated in the future.

    Raises
    ------
    UserError
        If the folder is in use, or a file is not as it must be.
    """
    planned = list(jobs)
    written = (file for job in planned for file in (*job.output, *job.log))
    results_lock.lock_and_mark(design.study, file)
    results_lock.must_be_folders(map(os.path.dirname, written))
    results_lock.refuse_future(design.study, (file for job in planned for file in job.input))
    for file in (each for job in planned for each in job.output):
        if folder_of(file) in again and folder_of(file) in FOLDERS_OF_FITS:
            Path(file).unlink(missing_ok=True)
            shutil.rmtree(standing.parts_folder(file), ignore_errors=True)


def at_start(design: Design) -> str:
    """Return the message at the start: the number of fits, and which priors share them."""
    study = design.study
    fits = len(design.fitted_cells) * study.replicates
    batches = sum(len(design.batches(cell)) for cell in design.fitted_cells)
    lines = [f"{study.name}: {fits:,} fits to simulated data, in {batches:,} batches."]
    lines += [f"{study.name}: {line}" for line in remarks(design)]
    return "\n".join(lines)


def at_end(inputs: Inputs) -> list[str]:
    """Return the outcome of all fits in lines; empty if there is no current summary."""
    design = inputs.design
    files = [design.summary_file(name) for name in ("convergence", "verification")]
    if not tables.are_current(files, digest(inputs.params.summarise())):
        return []
    outcome = Path(design.file(paths.OUTCOME))
    if provenance.bear([outcome], digest(inputs.params.outcome())):
        return outcome.read_text(encoding="utf-8").splitlines()[:-1]
    from recovery.score import failures  # slow to import

    return failures.outcome(design)[0]


def after_an_error(inputs: Inputs) -> list[str]:
    """Return the outcome of all fits and, if there is no report yet, how to resume."""
    lines = at_end(inputs)
    if not inputs.report_exists():
        logs = inputs.design.file(paths.RESULTS) + "/logs/"
        lines.append(
            f"{inputs.design.study.name}: not finished. Finished tables are valid. Run the same "
            f"command to resume. Logs of jobs are in {logs}."
        )
    return lines
