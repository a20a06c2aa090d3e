"""Rule summarise: the summary tables, over all replicates of every cell."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import tables
from recovery.common.hashing import digest
from recovery.plan import design
from recovery.score import summaries
from recovery.tables.summary_schemas import SUMMARIES, with_sizes

params = snakemake.params.summary
plan = design.restore(params["study"], params["sources"])
for name, table in summaries.summarise(plan).items():
    schema = with_sizes(SUMMARIES[name], plan.study.counted_sizes)
    tables.write(table, snakemake.output[name], schema, digest(params))
    if name in plan.tables_on_request:
        tables.remove_csv_of(snakemake.output[name])
    else:
        tables.write_csv(snakemake.output[f"{name}_csv"], snakemake.output[name])
