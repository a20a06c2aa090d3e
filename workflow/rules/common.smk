"""Reads the study, and holds every helper that the rules use."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

SCRIPTS = Path(workflow.basedir) / "workflow" / "scripts"
sys.path.insert(0, str(SCRIPTS))

from recovery import engines, families, tables
from recovery.common import checkout, user_files
from recovery.common.errors import EngineError, StaleTableError, StudyError, bounded
from recovery.common.hashing import digest
from recovery.plan import figure_list, identities, inputs, provenance, resources
from recovery.plan.scenarios import batch_size
from recovery.run import machine, preflight, results_lock
from recovery.study import methods, overrides
from recovery.study.methods import NO_PRIOR
from recovery.tables.summary_schemas import SUMMARIES

PROGRAMS = Path("stan")

CHANGES = workflow.config_settings.config_args or []
FILES = [*map(user_files.from_here, workflow.overwrite_configfiles or ["config/config.yaml"])]

checkout.must_be(SCRIPTS)
checkout.must_be_startable(SCRIPTS)

try:
    machine.must_allow_files()
    machine.use_temporary_folder()
    if workflow.is_main_process:
        overrides.must_stand_once(sys.argv)
    config = overrides.applied(config, CHANGES)
    DESIGN = preflight.prepare(
        config,
        FILES,
        PROGRAMS,
        thoroughly=workflow.is_main_process,
    )
except (StudyError, EngineError) as refused:
    sys.exit(bounded(str(refused)))

STUDY = DESIGN.study
FAMILY = families.find(STUDY.family)
RESULTS = f"results/{STUDY.name}"
FIGURES = figure_list.figures(STUDY)


def take_results():
    """Hold the folder of results until this run ends: two at once would mix what they write."""
    jobs = list(workflow.dag.needrun_jobs())
    made = (file for job in jobs for file in (*job.output, *job.log))
    try:
        results_lock.take(STUDY, FILES[-1])
        results_lock.must_be_folders(map(os.path.dirname, made))
        results_lock.refuse_future(STUDY, (file for job in jobs for file in job.input))
    except StudyError as refused:
        sys.exit(str(refused))


wildcard_constraints:
    study=STUDY.name,
    scenario="|".join(DESIGN.scenarios),
    model="|".join(STUDY.models),
    prior="|".join(STUDY.priors),
    dataset="|".join(STUDY.observed) or "none",
    batch=r"[0-9]+-[0-9]+",
    version=r"[0-9a-f]+",


def step_code(step):
    """The hash of a step's code, for this study's family."""
    return provenance.step_code(step, *FAMILY.FILES)


# Programs


def stan_program(wildcards):
    return str(FAMILY.program(STUDY.sampled_model(wildcards.model), PROGRAMS))


COMPILING = provenance.step_code("compile", provenance.module_file("recovery.engines.cmdstan"))


def compiled_version(model):
    """What decides an executable's numbers; `executables.kept` has what decides it beside."""
    sources = DESIGN.sources
    ours = engines.find(STUDY.engine).COMPILES
    version = sources.engine_version if ours else sources.verifying_version
    return digest([sources.programs[model], version, COMPILING])[:12]


def program_hash(wildcards):
    return DESIGN.sources.programs[wildcards.model]


# Datasets and fits


def inputs_of(settled, **inputs):
    """The inputs of a job, ancient when what it makes already stands with its identity.

    Then nothing above can change it, whatever the times of files say. Plain `ancient` for
    all would be wrong: Snakemake does not look at the params of a job below one that runs.
    """
    return {name: ancient(file) if settled else file for name, file in inputs.items()}


def batch_of(wildcards):
    return DESIGN.batch(wildcards.scenario, wildcards.batch)


def simulate_spec(wildcards):
    return DESIGN.simulation(wildcards.scenario, batch_of(wildcards))


def simulate_inputs(wildcards):
    """The observed dataset and fit that a scenario's truth is taken from, if it is."""
    source, batch = DESIGN.observed_source(wildcards.scenario), batch_of(wildcards)
    inputs = trial_of_family()
    if source is not None:
        cell = (source.data, source.model, source.prior)
        inputs["observed"] = DESIGN.observed_data(source.data)
        inputs["estimates"] = DESIGN.observed_file("estimates", *cell)
    if not inputs:
        return {}
    outputs = [DESIGN.dataset_file(table, wildcards.scenario, batch) for table in ("data", "truth")]
    return inputs_of(tables.are_current(outputs, simulate_spec(wildcards)["identity"]), **inputs)


def observe_spec(wildcards):
    return DESIGN.observation(wildcards.dataset)


def observed_csv(wildcards):
    return STUDY.observed[wildcards.dataset].path


def cell_of(wildcards):
    return wildcards.scenario, wildcards.model, wildcards.prior


def inputs_of_fits(specification, outputs, model, **files):
    """The tables that a batch of fits reads, and the compiled program where the engine has one."""
    settled = tables.are_current(outputs, specification["identity"])
    program = {}
    if specification["prior"] != NO_PRIOR:
        program = executable(STUDY.sampled_model(model), specification["engine"])
    return inputs_of(settled, **files, **program, **trial_of_family())


def dataset_files(wildcards):
    batch = batch_of(wildcards)
    return {
        table: DESIGN.dataset_file(table, wildcards.scenario, batch) for table in ("data", "truth")
    }


def fit_spec(wildcards):
    return DESIGN.fit(*cell_of(wildcards), batch_of(wildcards))


def fit_inputs(wildcards):
    cell, batch = cell_of(wildcards), batch_of(wildcards)
    outputs = [DESIGN.cell_file(table, cell, batch) for table in DESIGN.tables_of(cell)]
    return inputs_of_fits(fit_spec(wildcards), outputs, wildcards.model, **dataset_files(wildcards))


def verify_spec(wildcards):
    return DESIGN.verification(*cell_of(wildcards), batch_of(wildcards))


def verify_inputs(wildcards):
    cell, batch = cell_of(wildcards), batch_of(wildcards)
    outputs = [DESIGN.verified_file(table, cell, batch) for table in ("estimates", "diagnostics")]
    return inputs_of_fits(
        verify_spec(wildcards), outputs, wildcards.model, **dataset_files(wildcards)
    )


def fit_observed_spec(wildcards):
    return DESIGN.fit_observed(wildcards.dataset, wildcards.model, wildcards.prior)


def fit_observed_inputs(wildcards):
    cell = (wildcards.dataset, wildcards.model, wildcards.prior)
    outputs = [DESIGN.observed_file(table, *cell) for table in DESIGN.tables_of(cell)]
    data = DESIGN.observed_data(wildcards.dataset)
    return inputs_of_fits(fit_observed_spec(wildcards), outputs, wildcards.model, data=data)


def trial_of_family():
    """What says that a researcher's own family has been tried; shipped ones need no trial."""
    return {"tried": f"{RESULTS}/family.txt"} if families.is_own(STUDY.family) else {}


def try_params(wildcards):
    identity = identities.of_trial(
        DESIGN, provenance.code_with_engine(FAMILY, "check", STUDY.engine)
    )
    return {"identity": identity, "sources": asdict(DESIGN.sources)}


def try_inputs(wildcards):
    """The family's file, its programs, and what they compile to where the engine wants it."""
    settled = provenance.bear([f"{RESULTS}/family.txt"], try_params(wildcards)["identity"])
    programs = [str(FAMILY.program(model, PROGRAMS)) for model in STUDY.models]
    compiled = [executable(model, STUDY.engine) for model in STUDY.models]
    files = [file for each in compiled for file in each.values()]
    found = inputs_of(settled, executables=files) if files else {}
    return {"family": ancient(STUDY.family), "programs": ancient(programs), **found}


def executable(model, engine):
    """The compiled program, where the engine wants one."""
    compiles = engines.find(engine).COMPILES
    name = f"{model}-{compiled_version(model)}"
    return {"executable": f"{RESULTS}/programs/{name}"} if compiles else {}


def kept_draws(path):
    """The table of draws, where the study keeps them."""
    return {"draws": path} if STUDY.keep_draws else {}


def left_out(path):
    """The table of what each fit predicts of what is left out, where the study asks for it."""
    return {"loo": path} if STUDY.selection else {}


def fit_memory(wildcards, attempt):
    return resources.memory(STUDY, attempt)


def fit_minutes(wildcards, attempt):
    return resources.minutes(STUDY, attempt)


def guest_minutes():
    """As long as for fits, where a researcher's own code may take up to the time limit."""
    return {"runtime": fit_minutes} if families.is_own(STUDY.family) else {}


# Everything at once


def study_params(*code):
    """What a step after the fits depends on: the study, its sources, and the step's own code."""
    return {
        "study": STUDY.model_dump(mode="json"),
        "sources": asdict(DESIGN.sources),
        "code": code,
    }


def summary_params(wildcards):
    return study_params(step_code("summarise"))


def summary_stands():
    outputs = [f"{RESULTS}/summary/{name}.parquet" for name in SUMMARIES]
    return tables.are_current(outputs, digest(summary_params(None)))


def summary_inputs(wildcards):
    return inputs_of(summary_stands(), **inputs.of_summary(DESIGN))


def removed_tables(wildcards):
    """Tables of data and fits that are missing though the summary stands: made again."""
    if not summary_stands():
        return []
    return [file for file in identities.files(DESIGN) if not Path(file).exists()]


def figure_params(wildcards):
    return study_params(step_code("summarise"), step_code("figures"))


def figure_inputs(wildcards):
    outputs = [f"{RESULTS}/figures/{figure.name}.svg" for figure in FIGURES]
    settled = provenance.bear(outputs, digest(figure_params(wildcards)))
    return inputs_of(settled, **inputs.of_figures(DESIGN))


def report_params(wildcards):
    """Those of the figures too, which stand on the page."""
    page = provenance.page_code(*FAMILY.FILES)
    return study_params(step_code("summarise"), step_code("figures"), page)


def page_is_written():
    return provenance.bear([f"{RESULTS}/report.html"], digest(report_params(None)))


def report_inputs(wildcards):
    return inputs_of(page_is_written(), **inputs.of_report(DESIGN))


def outcome_params(wildcards):
    return study_params(step_code("summarise"), step_code("outcome"))


def outcome_inputs(wildcards):
    settled = provenance.bear([f"{RESULTS}/outcome.txt"], digest(outcome_params(wildcards)))
    return inputs_of(settled, **inputs.of_outcome(DESIGN))


def said_at_the_end():
    """How all fits went, where that is known."""
    files = [f"{RESULTS}/summary/{name}.parquet" for name in ("convergence", "verification")]
    if not tables.are_current(files, digest(summary_params(None))):
        return []
    from recovery.score import failures  # no job needs what it imports

    return failures.outcome(DESIGN)[0]


def figure_file(figure, suffix):
    """One figure's file; its SVG has a caption and a place in `snakemake --report`."""
    path = f"results/{{study}}/figures/{figure.name}.{suffix}"
    if suffix != "svg":
        return path
    caption, labels = f"../report/{figure.kind}.rst", {"figure": figure.title}
    return report(path, caption=caption, category=figure.category, labels=labels)


def figure_files(suffix):
    """Every figure in one format."""
    return [figure_file(figure, suffix) for figure in FIGURES]


# What stands already


# Neither looks at results: the one at the rules, the other at what a killed run left.
if workflow.is_main_process and not {"--lint", "--unlock"} & set(sys.argv):
    try:
        identities.check_standing(
            DESIGN, digest(summary_params(None)), results_lock.is_remembered(STUDY)
        )
    except StaleTableError as stale:
        sys.exit(str(stale))
