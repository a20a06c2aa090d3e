"""Rule simulate: one batch of datasets, and the true values of their parameters."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import families, tables
from recovery.fit import datasets

specification = snakemake.params.simulation
source = datasets.observed_source(specification, dict(snakemake.input.items()))
data, truth = datasets.simulate_batch(specification, *source)
schema = tables.data_schema(families.find(specification["family"]).COLUMNS)
identity, replicates = specification["identity"], specification["replicates"]
tables.write(data, snakemake.output.data, schema, identity, replicates=replicates)
cost = {"simulate": jobs.processor_seconds()}
tables.write(truth, snakemake.output.truth, tables.TRUTH, identity, cost, replicates)
