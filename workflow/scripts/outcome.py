"""Rule outcome: how all fits went, in a few lines; it fails when none gave estimates."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from pathlib import Path

from recovery import checks, failures, tables
from recovery.faults import StudyError
from recovery.hashing import digest

params = snakemake.params.outcome
lines, any_ok = failures.outcome(checks.restore(snakemake.config, params["sources"]))
if not any_ok:
    raise StudyError("\n".join(lines))
text = "\n".join([*lines, digest(params), ""])
tables.replace(snakemake.output.said, lambda beside: Path(beside).write_text(text))
