"""Rule simulate: one batch of datasets, and the values behind them."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery import costs, datasets, families, tables

specification = snakemake.params.simulation
observed = means = None
if snakemake.input.get("estimates"):
    made_by = specification["tables"]
    observed = datasets.read_table(snakemake.input.observed, made_by["observed"])
    means = datasets.read_means(snakemake.input.estimates, made_by["estimates"])

data, truth = datasets.simulate_batch(specification, observed, means)
schema = tables.data_schema(families.find(specification["family"]).COLUMNS)
tables.write(data, snakemake.output.data, schema, specification["identity"])
cost = {"simulate": costs.used()}
tables.write(truth, snakemake.output.truth, tables.TRUTH, specification["identity"], cost)
