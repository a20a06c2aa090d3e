"""Rules estimate, estimate_observed and shared estimates: estimators, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches
from recovery.fit.estimator import EstimatorFitter

fitters = [EstimatorFitter(each) for each in snakemake.params.fits]
batches.fit_files(fitters, dict(snakemake.output.items()))
