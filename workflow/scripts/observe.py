"""Rule observe: one observed dataset, in the family's columns."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import families, tables
from recovery.fit import datasets
from recovery.study.truths import Observed

specification = snakemake.params.observation
family = families.find(specification["family"])
observed = Observed(
    path=snakemake.input.csv,
    columns=family.ObservedColumns(**specification["columns"]),
    standardize=specification["standardize"],
)

columns = datasets.read_observed(specification["dataset"], observed, family)
data = datasets.observed_table(columns)
schema = tables.data_schema(family.COLUMNS)
tables.write(data, snakemake.output.data, schema, specification["identity"])
