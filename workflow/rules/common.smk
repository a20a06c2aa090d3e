"""Reads the study. recovery.plan computes the inputs, params and resources of the rules."""

from math import ceil

from recovery.common import checkout
from recovery.common.user_files import relative_path
from recovery.plan import figure_list, paths
from recovery.plan.forcerun import add_shared_jobs, folders_made_again
from recovery.plan.inputs import Inputs
from recovery.plan.params import Params
from recovery.plan.resources import JobResources
from recovery.run import session
from recovery.study.methods import NO_PRIOR
from recovery.tables.summary_schemas import SUMMARIES

checkout.require_this_library(SCRIPTS)
checkout.must_be_startable(SCRIPTS)


# If this workflow is a module of another one, the study is the `config` of the calling workflow.
if workflow.modifier.is_main_snakefile():
    FILES = [*map(relative_path, workflow.overwrite_configfiles or [default_study()])]
    FILE, ENTRIES = ", ".join(FILES), workflow.config_settings.config_args or []
else:
    FILES, FILE, ENTRIES = [], relative_path(workflow.main_snakefile), []

with session.exit_if_refused():
    session.refuse_storage(workflow.storage_settings.default_storage_provider)
    DESIGN = session.design_of_run(
        config, FILE, files=FILES, entries=ENTRIES, main=workflow.is_main_process
    )

STUDY = DESIGN.study
MODIFIER = workflow.modifier  # renames the rules if this workflow is a module

SHARED = {}  # rule -> the rules of its jobs of several batches


def shared_tables(shared):
    """Return the outputs of a job of several batches: table -> a file for each batch."""
    return {
        table: [update(DESIGN.cell_file(table, each.cell, each.batch)) for each in shared.batches]
        for table in DESIGN.tables_of(shared.batches[0].cell)
    }


def note_shared(step, name):
    """Let the shared jobs of a rule precede it, and share its name in Snakemake's options."""
    workflow.ruleorder(name, step)
    shared_rule = workflow.get_rule(MODIFIER.modify_rulename(name))
    given = workflow.resource_settings._parsed_overwrite_resources  # of `--set-resources`
    shared_rule.resources.update(given.get(MODIFIER.modify_rulename(step), {}))
    SHARED.setdefault(MODIFIER.modify_rulename(step), []).append(shared_rule)


def folders_again():
    """Return the folders whose files forced jobs make again."""
    return folders_made_again(workflow.dag_settings, MODIFIER.modify_rulename)


def begin_plan():
    """Check existing results, and complete what Snakemake forces; return `folders_again()`."""
    add_shared_jobs(workflow, SHARED)
    if workflow.execution_settings is not None:  # `--report` has none
        # Tables are whole or absent: Snakemake need not remove those that a failed job adds to.
        workflow.execution_settings.keep_incomplete = True
    if workflow.is_main_process:
        with session.exit_if_refused():
            session.check_results(DESIGN, as_module=not FILES)
        session.force_outdated(workflow.dag, DESIGN)
    return folders_again()


INPUTS = Inputs(DESIGN, ancient, begin_plan)
PARAMS = Params(DESIGN)
RESOURCES = JobResources(DESIGN)


def take_results():
    """Lock the folder of results until this run ends: two runs at once would mix their files."""
    with session.exit_if_refused():
        again = () if workflow.touch else folders_again()
        session.take_results(DESIGN, FILE, again, workflow.dag.needrun_jobs())


def figure_file(figure, suffix):
    """Return a figure's file; an SVG also gets a caption and a category in `snakemake --report`."""
    path = DESIGN.file(paths.figure(figure.name, suffix))
    if suffix != "svg":
        return path
    caption, labels = f"../report/{figure.kind}.rst", {"figure": figure.title}
    return report(path, caption=caption, category=figure.category, labels=labels)


def figure_files(suffix):
    """Return the files of all figures in one format."""
    return [figure_file(figure, suffix) for figure in figure_list.figures(STUDY)]


wildcard_constraints:
    study=STUDY.name,
    scenario="|".join(DESIGN.scenarios),
    model="|".join(STUDY.models),
    prior="|".join(DESIGN.fitted_prior),
    dataset="|".join(STUDY.observed) or "none",
    batch=r"[0-9]+-[0-9]+",
    version=r"[0-9a-f]+",
