"""Run a study: what `make study` calls.

A lock on the study's results tells a run that still lives from what a killed one left
behind; the latter is cleared, and Snakemake goes on where it stopped.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery import families
from recovery.common import checkout
from recovery.common.errors import StudyError
from recovery.common.user_files import refuse_outside
from recovery.run import machine, results_lock
from recovery.study import overrides
from recovery.study.parse import parse
from recovery.study.yaml_file import read_yaml


def main() -> None:
    """Become Snakemake at work on a study, alone; exit with a message where that cannot be."""
    checkout.must_be(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    parser.add_argument("--configfile", "--configfiles", nargs="*", help=argparse.SUPPRESS)
    overrides.add_to(parser)
    asked, others = parser.parse_known_args()
    if asked.configfile is not None:
        sys.exit(f"--configfile: the study file is {asked.study}; name another with STUDY=FILE")
    changes = overrides.entries_of(asked)
    try:
        machine.must_allow_files()
        raw = overrides.applied(read_yaml(asked.study), changes)
        refuse_outside(raw, asked.study)
        study = parse(raw, families.find, asked.study)
        results_lock.refuse_foreign(study, asked.study)
        lock = results_lock.hold(study)
        results_lock.clear_what_a_killed_run_locked(study)
    except StudyError as error:
        sys.exit(str(error))
    # What else is asked stands first: after an option, Snakemake would take it for the option's.
    snakemake = [sys.executable, "-m", "snakemake", *others, "--configfile", asked.study]
    if changes:
        snakemake += ["--config", *changes]
    bars = ["--logger", "rich"] if sys.stderr.isatty() else []
    # Snakemake takes this process's place, and with it the lock and signals.
    os.set_inheritable(lock, True)
    os.environ[results_lock.HOLDER] = results_lock.holder(study)
    os.execv(sys.executable, [*snakemake, *bars])


if __name__ == "__main__":
    main()
