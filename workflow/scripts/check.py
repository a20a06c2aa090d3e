"""Rule check: a researcher's own family, tried before it is used."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import design, executables, tables, trial
from recovery.engines.base import Program

params = snakemake.params.trial
plan = design.restore(snakemake.config, params["sources"])
programs = {
    model: executables.provided(
        plan.study.engine,
        Program(file, snakemake.params.include),
        model,
        plan.sources.programs[model],
    )
    for model, file in zip(plan.study.models, snakemake.input.programs, strict=True)
}
said = "\n".join([*trial.run(plan, programs), params["identity"], ""])
tables.replace(
    snakemake.output.tried, lambda beside: Path(beside).write_text(said, encoding="utf-8")
)
