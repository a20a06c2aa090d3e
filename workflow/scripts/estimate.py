"""Rules estimate and estimate_observed: one estimator, fitted to one batch."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery import jobs

jobs.begin(snakemake.log[0], __file__)

import time

from recovery import estimating, fitting, tables

specification = snakemake.params.fit
started = time.process_time()

dataset = specification["dataset"]
data = tables.read_of(snakemake.input.data, dataset)
truth = snakemake.input.get("truth") and tables.read_of(snakemake.input.truth, dataset)

batch = fitting.fit_batch(data, truth, estimating.EstimatorFitter(specification))
for name, schema in fitting.schemas(specification).items():
    cost = {"start": started, "tables": time.process_time() - started}
    tables.write(batch[name], snakemake.output[name], schema, specification["identity"], cost)
