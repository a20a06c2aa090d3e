"""Run a study: what `make study` calls.

A lock on the study's results tells a run that still lives from what a killed one left
behind; the latter is cleared, and Snakemake goes on where it stopped.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery import families, folder
from recovery.faults import StudyError
from recovery.named_files import refuse_outside
from recovery.study import parse
from recovery.yaml_file import read_yaml


def main() -> None:
    """Become Snakemake at work on a study, alone; exit with a message where that cannot be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    parser.add_argument("--engine", help="run Stan with this engine instead of the study's")
    asked, others = parser.parse_known_args()
    override = {"engine": asked.engine} if asked.engine else {}
    try:
        raw = {**read_yaml(asked.study), **override}
        refuse_outside(raw, asked.study)
        study = parse(raw, families.find, asked.study)
    except StudyError as error:
        sys.exit(str(error))
    # What else is asked stands first: after an option, Snakemake would take it for the option's.
    snakemake = [sys.executable, "-m", "snakemake", *others, "--configfile", asked.study]
    if asked.engine:
        snakemake += ["--config", f"engine={asked.engine}"]
    try:
        folder.refuse_foreign(study, asked.study)
        lock = folder.hold(study)
    except StudyError as error:
        sys.exit(str(error))
    folder.clear_what_a_killed_run_locked(study)
    bars = ["--logger", "rich"] if sys.stderr.isatty() else []
    # Snakemake takes this process's place, and with it the lock and signals.
    os.set_inheritable(lock, True)
    os.environ[folder.HOLDER] = str(os.getpid())
    os.execv(sys.executable, [*snakemake, *bars])


if __name__ == "__main__":
    main()
