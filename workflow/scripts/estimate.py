"""Rules estimate and estimate_observed: one estimator, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batch_files
from recovery.fit.estimator import EstimatorFitter

fitter = EstimatorFitter(snakemake.params.fit)
batch_files.fit(fitter, dict(snakemake.input.items()), dict(snakemake.output.items()))
