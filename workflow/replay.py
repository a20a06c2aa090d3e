"""Make one named fit again, from its identity alone: what `make replay` calls."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "scripts"))

from recovery.common import checkout
from recovery.common.errors import UserError, bounded
from recovery.run.replay_report import described, named_fit, replay_from_file
from recovery.study import overrides


def main() -> int:
    """Print what the fit gave; return 1 if the study's tables have other numbers."""
    checkout.require_this_library(Path(__file__).parent / "scripts")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", help="the study file, or the manifest.json of a study's results")
    overrides.add_to(parser)
    parser.add_argument("fit", help="SCENARIO/MODEL/PRIOR/REPLICATE")
    options = parser.parse_args()
    try:
        fit = named_fit(options.fit)
    except UserError as error:
        parser.error(str(error))
    try:
        replayed = replay_from_file(options.study, *fit, overrides.entries_of(options), print)
    except UserError as error:
        sys.exit(bounded(str(error)))
    print(described(replayed))
    return 1 if replayed.differences else 0


if __name__ == "__main__":
    sys.exit(main())
