"""Rules fit, verify, fit_observed and shared fits: models under priors, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches, programs
from recovery.fit.sampler import SamplerFitter

fitters = [SamplerFitter(each, programs.for_fits(each)) for each in snakemake.params.fits]
batches.fit_files(fitters, dict(snakemake.output.items()))
