"""Run a study: what `make study` calls.

A lock on the study's results tells a run that still lives from what a killed one left
behind; the latter is cleared, and Snakemake goes on where it stopped.
"""

import argparse
import fcntl
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.faults import StudyError
from recovery.yaml_file import read_yaml


def main() -> int:
    """Run Snakemake on a study, alone; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    parser.add_argument("--engine", help="run Stan with this engine instead of the study's")
    asked, others = parser.parse_known_args()
    # What else is asked stands first: after an option, Snakemake would take it for the option's.
    snakemake = [sys.executable, "-m", "snakemake", *others, "--configfile", asked.study]
    if asked.engine:
        snakemake += ["--config", f"engine={asked.engine}"]
    try:
        name = read_yaml(asked.study).get("name")
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9_]{1,60}", name):
        return subprocess.call([*snakemake, "--dry-run"])  # says what is wrong with the name
    results = Path("results") / name
    results.mkdir(parents=True, exist_ok=True)
    with (results / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{results}: another run of this study is at work there.", file=sys.stderr)
            return 1
        if any(Path(".snakemake/locks").glob("*")):
            subprocess.run([*snakemake, "--unlock"], capture_output=True, check=False)
        bars = ["--logger", "rich"] if sys.stderr.isatty() else []
        # Snakemake holds the lock too: it may outlive this process.
        return subprocess.call([*snakemake, *bars], pass_fds=[lock.fileno()])


if __name__ == "__main__":
    sys.exit(main())
