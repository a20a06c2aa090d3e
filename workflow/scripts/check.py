"""Rule check: a researcher's own family, tried before it is used."""

from recovery import jobs

jobs.begin(snakemake.log[0])

from pathlib import Path

from recovery import checks, tables, trial
from recovery.engines.base import Program

params = snakemake.params.trial
plan = checks.restore(snakemake.config, params["sources"])
files = list(snakemake.input.programs)
compiled = list(snakemake.input.get("executables") or [None] * len(files))
programs = {
    model: Program(file, snakemake.params.include, executable)
    for model, file, executable in zip(plan.study.models, files, compiled, strict=True)
}
said = "\n".join([*trial.run(plan, programs), params["identity"], ""])
tables.replace(snakemake.output.tried, lambda beside: Path(beside).write_text(said))
