"""Rules approximate and approximate_observed: one approximation of one batch's posteriors."""

from recovery import jobs

jobs.begin(snakemake.log[0])

import time

from recovery import approximating, fitting, tables
from recovery.engines.base import Program

specification = snakemake.params.fit
program = Program(
    snakemake.input.program, snakemake.params.include, snakemake.input.get("executable") or None
)
started = time.process_time()

dataset = specification["dataset"]
data = tables.read_of(snakemake.input.data, dataset)
truth = snakemake.input.get("truth") and tables.read_of(snakemake.input.truth, dataset)

fitter = approximating.ApproximationFitter(specification, program)
batch = fitting.fit_batch(data, truth, fitter)
for name, schema in fitting.schemas(specification).items():
    cost = {"start": started, "tables": time.process_time() - started}
    tables.write(batch[name], snakemake.output[name], schema, specification["identity"], cost)
