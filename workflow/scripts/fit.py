"""Rules fit and fit_observed: one model under one prior, fitted to one batch."""

from recovery import fitting, tables
from recovery.engines.base import Program

specification = snakemake.params.fit
truth = snakemake.input.get("truth")
program = Program(
    snakemake.input.program, snakemake.params.include, snakemake.input.get("executable") or None
)

batch = fitting.fit_batch(
    tables.read(snakemake.input.data), truth and tables.read(truth), specification, program
)
for name, schema in fitting.schemas(specification).items():
    tables.write(batch[name], snakemake.output[name], schema, specification["identity"])
