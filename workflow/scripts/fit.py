"""Rules fit, verify and fit_observed: one model under one prior, fitted to one batch."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

import time

from recovery import tables
from recovery.engines import executables
from recovery.fit import batches, draws

specification, identity = snakemake.params.fit, snakemake.params.fit["identity"]
program = executables.of_fit(specification, snakemake.input.program, snakemake.params.include)
fitter = batches.Fitter(specification, program)
started = time.process_time()

dataset = specification["dataset"]
data = tables.read_of(snakemake.input.data, dataset)
truth = snakemake.input.get("truth") and tables.read_of(snakemake.input.truth, dataset)

with draws.kept(snakemake.output.get("draws"), identity) as keep:
    batch = batches.fit_batch(data, truth, fitter, keep)
for name, schema in batches.schemas(specification).items():
    cost = {"start": started, "tables": time.process_time() - started}
    tables.write(batch[name], snakemake.output[name], schema, identity, cost)
