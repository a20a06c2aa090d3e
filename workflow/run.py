"""Run a study: what `make study` calls.

A lock on the study's results shows whether another run is alive. What a killed run left
behind is cleared, and Snakemake resumes.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.common.errors import StudyError
from recovery.run import start_snakemake
from recovery.study import overrides


def main() -> None:
    """Start Snakemake on a study; exit with a message if that is impossible."""
    checkout.require_this_library(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    parser.add_argument("--configfile", "--configfiles", nargs="*", help=argparse.SUPPRESS)
    overrides.add_to(parser)
    ours, others = parser.parse_known_args()
    if ours.configfile is not None:
        sys.exit(f"--configfile: the study file is {ours.study}; name another with STUDY=FILE")
    try:
        start_snakemake.start(ours.study, overrides.entries_of(ours), others)
    except StudyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
