"""Rule check: a researcher's own family, tried before it is used."""

from pathlib import Path

from recovery import checks, jobs, tables, trial
from recovery.engines.base import Program

jobs.begin(snakemake.log[0])

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
