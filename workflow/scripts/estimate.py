"""Rules estimate and estimate_observed: one estimator, fitted to one batch."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

import time

from recovery import tables
from recovery.fit import batches, estimator

specification = snakemake.params.fit
started = time.process_time()

dataset = specification["dataset"]
data = tables.read_of(snakemake.input.data, dataset)
truth = snakemake.input.get("truth") and tables.read_of(snakemake.input.truth, dataset)

batch = batches.fit_batch(data, truth, estimator.EstimatorFitter(specification))
for name, schema in batches.schemas(specification).items():
    cost = {"start": started, "tables": time.process_time() - started}
    tables.write(batch[name], snakemake.output[name], schema, specification["identity"], cost)
