"""Rule summarise: what was found, over all replicates of every cell."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from recovery import checks, summaries, tables
from recovery.hashing import digest

params = snakemake.params.summary
plan = checks.restore(snakemake.config, params["sources"])
for name, table in summaries.summarise(plan).items():
    schema = tables.SUMMARIES[name]
    tables.write(table, snakemake.output[name], schema, digest(params))
    tables.write_csv(snakemake.output[f"{name}_csv"], snakemake.output[name])
