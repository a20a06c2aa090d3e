"""Rules fit and fit_observed: one model under one prior, fitted to one batch."""

import sys

from recovery import fitting, tables
from recovery.engines.base import Program

sys.stderr = open(snakemake.log[0], "w", buffering=1)

specification = snakemake.params.fit
program = Program(
    snakemake.input.program, snakemake.params.include, snakemake.input.get("executable") or None
)

dataset = specification["dataset"]
data = tables.read_of(snakemake.input.data, dataset)
truth = snakemake.input.get("truth") and tables.read_of(snakemake.input.truth, dataset)

batch = fitting.fit_batch(data, truth, specification, program)
for name, schema in fitting.schemas(specification).items():
    tables.write(batch[name], snakemake.output[name], schema, specification["identity"])
