"""Rule summarise: what was found, over all replicates of every cell."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import tables
from recovery.common.hashing import digest
from recovery.plan import design
from recovery.score import summaries
from recovery.tables.summary_schemas import SUMMARIES

params = snakemake.params.summary
plan = design.restore(snakemake.config, params["sources"])
for name, table in summaries.summarise(plan).items():
    schema = SUMMARIES[name]
    tables.write(table, snakemake.output[name], schema, digest(params))
    tables.write_csv(snakemake.output[f"{name}_csv"], snakemake.output[name])
