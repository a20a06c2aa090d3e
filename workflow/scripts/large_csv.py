"""Rule large_csv: a large summary table as CSV."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import tables

tables.write_csv(snakemake.output.csv, snakemake.input.table)
