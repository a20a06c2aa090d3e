"""Rules approximate, approximate_observed and shared approximations, of one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches, programs
from recovery.fit.approximation import ApproximationFitter

fitters = [ApproximationFitter(each, programs.for_fits(each)) for each in snakemake.params.fits]
batches.fit_files(fitters, dict(snakemake.output.items()))
