from snakemake.utils import min_version

min_version("9.0")


# A study given with --configfile replaces the default one; Snakemake would merge the two.
if not workflow.overwrite_configfiles:

    configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/compile.smk"
include: "workflow/rules/simulate.smk"
include: "workflow/rules/fit.smk"
include: "workflow/rules/estimate.smk"
include: "workflow/rules/summarise.smk"
include: "workflow/rules/report.smk"


# On a cluster these run where Snakemake does: they gather what the jobs have made.
localrules:
    all,
    summarise,
    figures,
    report,
    outcome,


rule all:
    """Everything that the study asks for."""
    default_target: True
    input:
        expand(rules.summarise.output, study=STUDY.name),
        expand(rules.figures.output, study=STUDY.name),
        expand(rules.report.output, study=STUDY.name),
        expand(rules.outcome.output, study=STUDY.name),
        removed_tables,


onstart:
    take_results()
    fits = len(DESIGN.cells) * STUDY.replicates
    print(f"{STUDY.name}: {fits:,} fits to simulated data, in batches of up to", end=" ")
    print(f"{max(batch_size(STUDY, each) for each in DESIGN.scenarios.values()):,}.")


onsuccess:
    for line in said_at_the_end():
        print(line)


onerror:
    for line in said_at_the_end():
        print(line)
    if not page_is_written():
        print(f"{STUDY.name}: not finished. Finished tables are valid.", end=" ")
        print(f"Run the same command to resume. Logs of jobs lie in {RESULTS}/logs/.")
