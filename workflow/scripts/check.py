"""Rule check: the trial of a researcher's own family, before it is used."""

import os
import sys

sys.path.insert(0, os.environ["RECOVERY_SCRIPTS"])

from recovery.common import jobs

jobs.begin(snakemake.log[0])

from recovery import tables
from recovery.fit import programs
from recovery.plan import design
from recovery.run import family_trial

params = snakemake.params.trial
plan = design.restore(params["study"], params["sources"])
models = programs.for_models(plan.study.family_choice, plan.study.engine, plan.sources.programs)
lines = family_trial.run(plan, models)
tables.write_lines(snakemake.output.lines, [*lines, params["identity"]])
