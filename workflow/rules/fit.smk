# Tables that only some studies have, in addition to those of every fit.
DRAWS = ["draws"] if STUDY.keep_draws else []
LEFT_OUT = ["loo"] if STUDY.selection else []
EVIDENCE = ["evidence"] if STUDY.evidence else []


rule fit:
    """Fit one model under one prior to one batch. Wildcards: scenario, model, prior, batch."""
    input:
        unpack(INPUTS.fit),
    output:
        **{table: [update(paths.fitted(table))] for table in DRAWS + LEFT_OUT + EVIDENCE},
        estimates=[update(paths.fitted("estimates"))],
        groups=[update(paths.fitted("groups"))],
        diagnostics=[update(paths.fitted("diagnostics"))],
    log:
        paths.log("fit/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("fit/{scenario}/{model}/{prior}/{batch}")
    priority: RESOURCES.priority
    conda:
        "../envs/stan.yaml"
    threads: 1
    resources:
        mem_mb=RESOURCES.memory,
        runtime=RESOURCES.minutes,
    params:
        fits=PARAMS.fit,
    message:
        "Fit {wildcards.model} under {wildcards.prior} to {wildcards.scenario}, replicates {params.fits[0][replicates]}"
    script:
        "../scripts/fit.py"


use rule fit as verify with:
    input:
        unpack(INPUTS.verify),
    output:
        estimates=[update(paths.verified("estimates"))],
        groups=[update(paths.verified("groups"))],
        diagnostics=[update(paths.verified("diagnostics"))],
    log:
        paths.log("verify/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("verify/{scenario}/{model}/{prior}/{batch}")
    params:
        fits=PARAMS.verify,
    message:
        "Verify {wildcards.model} under {wildcards.prior} on {wildcards.scenario}, replicates {params.fits[0][replicates]}"


use rule fit as fit_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        **{table: [paths.observed(table)] for table in DRAWS + LEFT_OUT + EVIDENCE},
        estimates=[paths.observed("estimates")],
        groups=[paths.observed("groups")],
        diagnostics=[paths.observed("diagnostics")],
    log:
        paths.log("fit_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("fit_observed/{dataset}/{model}/{prior}/00001-00001")
    priority: 1_000_000  # truths may be taken from it
    params:
        fits=PARAMS.fit_observed,
    message:
        "Fit {wildcards.model} under {wildcards.prior} to observed {wildcards.dataset}"


rule approximate:
    """Approximate the posteriors of one batch. Wildcards: scenario, model, prior, batch."""
    input:
        unpack(INPUTS.fit),
    output:
        estimates=[update(paths.fitted("estimates"))],
        groups=[update(paths.fitted("groups"))],
        diagnostics=[update(paths.fitted("diagnostics"))],
    log:
        paths.log("approximate/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("approximate/{scenario}/{model}/{prior}/{batch}")
    wildcard_constraints:
        model="|".join(STUDY.approximations) or "none",
    priority: RESOURCES.priority
    conda:
        "../envs/stan.yaml"
    threads: 1
    resources:
        mem_mb=RESOURCES.memory,
        runtime=RESOURCES.minutes,
    params:
        fits=PARAMS.fit,
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in {wildcards.scenario}, replicates {params.fits[0][replicates]}"
    script:
        "../scripts/approximate.py"


use rule approximate as approximate_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        estimates=[paths.observed("estimates")],
        groups=[paths.observed("groups")],
        diagnostics=[paths.observed("diagnostics")],
    log:
        paths.log("approximate_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("approximate_observed/{dataset}/{model}/{prior}/00001-00001")
    priority: 1_000_000  # truths may be taken from it
    params:
        fits=PARAMS.fit_observed,
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in observed {wildcards.dataset}"


# Jobs of several batches, because each would be too short or there are very many. Such a job keeps
# the fits that stand: a changed prior repeats only its own.
# There is a loop for each script: Snakemake reads `script` when the loop has ended.
for shared in DESIGN.shared_jobs("fit"):

    rule:
        name:
            shared.name
        input:
            unpack(INPUTS.shared(shared)),
        output:
            **shared_tables(shared),
        log:
            DESIGN.file(paths.log(f"fit/{shared.name}")),
        benchmark:
            DESIGN.file(paths.benchmark(f"fit/{shared.name}"))
        priority: ceil(shared.seconds)
        conda:
            "../envs/stan.yaml"
        threads: 1
        resources:
            mem_mb=RESOURCES.memory,
            runtime=RESOURCES.shared_minutes(shared),
        params:
            fits=PARAMS.shared(shared),
        message:
            f"Fit {shared} to {shared.scenarios}, replicates {shared.ranges}"
        script:
            "../scripts/fit.py"

    note_shared("fit", shared.name)


for shared in DESIGN.shared_jobs("approximate"):

    rule:
        name:
            shared.name
        input:
            unpack(INPUTS.shared(shared)),
        output:
            **shared_tables(shared),
        log:
            DESIGN.file(paths.log(f"approximate/{shared.name}")),
        benchmark:
            DESIGN.file(paths.benchmark(f"approximate/{shared.name}"))
        conda:
            "../envs/stan.yaml"
        threads: 1
        resources:
            mem_mb=RESOURCES.memory,
            runtime=RESOURCES.shared_minutes(shared),
        params:
            fits=PARAMS.shared(shared),
        message:
            f"Approximate by {shared} in {shared.scenarios}, replicates {shared.ranges}"
        script:
            "../scripts/approximate.py"

    note_shared("approximate", shared.name)
