"""Rule check: a researcher's own family, tried before it is used."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from recovery.common import jobs

jobs.begin(snakemake.log[0], __file__)

from recovery import tables
from recovery.engines import executables
from recovery.engines.protocol import Program
from recovery.plan import design
from recovery.run import family_trial

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
said = "\n".join([*family_trial.run(plan, programs), params["identity"], ""])
tables.replace(
    snakemake.output.tried, lambda beside: Path(beside).write_text(said, encoding="utf-8")
)
