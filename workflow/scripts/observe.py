"""Rule observe: one observed dataset, in the family's columns."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery import datasets, families, study, tables

specification = snakemake.params.observation
name = specification["dataset"]
family = families.find(specification["family"])
observed = study.parse(snakemake.config, families.find).observed[name]

columns = datasets.read_observed(name, observed, family)
data = datasets.observed_table(columns)
schema = tables.data_schema(family.COLUMNS)
tables.write(data, snakemake.output.data, schema, specification["identity"])
