"""Rule observe: one observed dataset, in the family's columns."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import families, tables
from recovery.fit import datasets

specification = snakemake.params.observation
data = datasets.observe(specification)
schema = tables.data_schema(families.find(specification["family"]).COLUMNS)
identity, replicates = specification["identity"], specification["replicates"]
tables.write(data, snakemake.output.data, schema, identity, replicates=replicates)
