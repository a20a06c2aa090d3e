"""Rule summarise: what was found, over all replicates of every cell."""

import sys

from recovery import checks, summaries, tables
from recovery.design import digest

sys.stderr = open(snakemake.log[0], "w", buffering=1)

params = snakemake.params.summary
plan = checks.restore(snakemake.config, params["sources"])
performance, convergence = summaries.summarise(plan)
found = {
    "performance": (performance, tables.PERFORMANCE),
    "convergence": (convergence, tables.CONVERGENCE),
    "prior_predictive": (summaries.prior_predictive(plan), tables.PRIOR_PREDICTIVE),
}
for name, (table, schema) in found.items():
    tables.write(table, snakemake.output[name], schema, digest(params))
    tables.write_csv(snakemake.output[f"{name}_csv"], snakemake.output[name])
