"""Rules approximate and approximate_observed: one approximation, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches, programs
from recovery.fit.approximation import ApproximationFitter

specification = snakemake.params.fit
fitter = ApproximationFitter(specification, programs.for_fits(specification))
batches.fit_files(fitter, dict(snakemake.input.items()), dict(snakemake.output.items()))
