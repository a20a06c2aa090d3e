"""Rule summarise: what was found, over all replicates of every cell."""

from recovery import checks, jobs, summaries, tables
from recovery.hashing import digest

jobs.begin(snakemake.log[0])

params = snakemake.params.summary
plan = checks.restore(snakemake.config, params["sources"])
for name, table in summaries.summarise(plan).items():
    schema = tables.SUMMARIES[name]
    tables.write(table, snakemake.output[name], schema, digest(params))
    tables.write_csv(snakemake.output[f"{name}_csv"], snakemake.output[name])
