rule estimate:
    """Fit one estimator to one batch. Wildcards: scenario, model, prior (none), batch."""
    input:
        unpack(INPUTS.fit),
    output:
        estimates=[update(paths.fitted("estimates"))],
        groups=[update(paths.fitted("groups"))],
        diagnostics=[update(paths.fitted("diagnostics"))],
    log:
        paths.log("estimate/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("estimate/{scenario}/{model}/{prior}/{batch}")
    wildcard_constraints:
        model="|".join(STUDY.estimators_without_prior) or "none",
        prior=NO_PRIOR,
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=RESOURCES.memory,
        runtime=RESOURCES.minutes,
    params:
        fits=PARAMS.fit,
    message:
        "Estimate by {wildcards.model} in {wildcards.scenario}, replicates {params.fits[0][replicates]}"
    script:
        "../scripts/estimate.py"


use rule estimate as estimate_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        estimates=[paths.observed("estimates")],
        groups=[paths.observed("groups")],
        diagnostics=[paths.observed("diagnostics")],
    log:
        paths.log("estimate_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("estimate_observed/{dataset}/{model}/{prior}/00001-00001")
    params:
        fits=PARAMS.fit_observed,
    message:
        "Estimate by {wildcards.model} in observed {wildcards.dataset}"


# Jobs of several batches, because each would be too short or there are very many. Such a job keeps
# the fits that stand: a changed prior repeats only its own.
for shared in DESIGN.shared_jobs("estimate"):

    rule:
        name:
            shared.name
        input:
            unpack(INPUTS.shared(shared)),
        output:
            **shared_tables(shared),
        log:
            DESIGN.file(paths.log(f"estimate/{shared.name}")),
        benchmark:
            DESIGN.file(paths.benchmark(f"estimate/{shared.name}"))
        conda:
            "../envs/tables.yaml"
        threads: 1
        resources:
            mem_mb=RESOURCES.memory,
            runtime=RESOURCES.shared_minutes(shared),
        params:
            fits=PARAMS.shared(shared),
        message:
            f"Estimate by {shared} in {shared.scenarios}, replicates {shared.ranges}"
        script:
            "../scripts/estimate.py"

    note_shared("estimate", shared.name)
