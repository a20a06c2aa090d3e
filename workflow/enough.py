"""Raise a study's replicates to what its `precision` needs: what `make enough` calls first."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.common.errors import UserError
from recovery.run.more_replicates import raise_replicates
from recovery.study import overrides


def main() -> None:
    """Edit `replicates` in the study file; exit with a message if that is impossible."""
    checkout.require_this_library(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file")
    overrides.add_to(parser)
    options = parser.parse_args()
    try:
        print(raise_replicates(Path(options.study), overrides.entries_of(options)))
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
