"""Score estimates made elsewhere: python -m recovery.score FILE ...

A FILE is Parquet, CSV or TSV, compressed by gzip or not. It has one row per replicate and
parameter, with the columns scenario, model, prior, replicate, parameter, truth, mean, sd, and for
every interval level the columns of its bounds: q2_5 and q97_5 for 0.95. Several files are read as
one table. A fit whose mean is NA counts as failed. The scores, or with --comparisons or
--reference the paired differences between models and priors, are printed as CSV.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from recovery.common.errors import bounded
from recovery.score.external import LEVELS, compare, score


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the scores as CSV; exit with a message if a file is not valid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--levels", type=float, nargs="+", default=LEVELS)
    parser.add_argument("--positive", nargs="+", default=[], help="parameters above 0")
    parser.add_argument("--replicates", type=int, help="replicates planned in every scenario")
    parser.add_argument(
        "--comparisons", action="store_true", help="print differences between models and priors"
    )
    parser.add_argument("--reference", metavar="MODEL", help="print differences from this model")
    options = parser.parse_args(arguments)
    estimates = (options.files, options.levels, options.positive)
    try:
        if options.comparisons or options.reference is not None:
            table = compare(*estimates, options.reference)
        else:
            table = score(*estimates, options.replicates)
    except ValueError as error:
        sys.exit(bounded(str(error)))
    try:
        table.to_csv(sys.stdout, index=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
