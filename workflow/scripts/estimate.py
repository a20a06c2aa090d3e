"""Rules estimate and estimate_observed: one estimator, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches
from recovery.fit.estimator import EstimatorFitter

fitter = EstimatorFitter(snakemake.params.fit)
batches.fit_files(fitter, dict(snakemake.input.items()), dict(snakemake.output.items()))
