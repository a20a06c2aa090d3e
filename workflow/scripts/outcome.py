"""Rule outcome: how all fits went, in a few lines; it fails when none gave estimates."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import tables
from recovery.common.errors import StudyError
from recovery.common.hashing import digest
from recovery.plan import design
from recovery.score import failures

params = snakemake.params.outcome
lines, any_ok = failures.outcome(design.restore(snakemake.config, params["sources"]))
if not any_ok:
    raise StudyError("\n".join(lines))
text = "\n".join([*lines, digest(params), ""])
tables.replace(snakemake.output.said, lambda beside: beside.write_text(text, encoding="utf-8"))
