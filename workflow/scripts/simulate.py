"""Rule simulate: one batch of datasets, and the values behind them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import families, tables
from recovery.fit import datasets

specification = snakemake.params.simulation
observed = means = None
if snakemake.input.get("estimates"):
    made_by = specification["tables"]
    observed = datasets.read_table(snakemake.input.observed, made_by["observed"])
    means = datasets.read_means(snakemake.input.estimates, made_by["estimates"])

data, truth = datasets.simulate_batch(specification, observed, means)
schema = tables.data_schema(families.find(specification["family"]).COLUMNS)
tables.write(data, snakemake.output.data, schema, specification["identity"])
cost = {"simulate": jobs.processor_seconds()}
tables.write(truth, snakemake.output.truth, tables.TRUTH, specification["identity"], cost)
