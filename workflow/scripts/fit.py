"""Rules fit, verify and fit_observed: one model under one prior, fitted to one batch."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery.fit import batches, programs
from recovery.fit.sampler import SamplerFitter

specification = snakemake.params.fit
fitter = SamplerFitter(specification, programs.for_fits(specification))
batches.fit_files(fitter, dict(snakemake.input.items()), dict(snakemake.output.items()))
