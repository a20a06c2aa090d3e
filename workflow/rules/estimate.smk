rule estimate:
    """Fit one estimator to one batch. Wildcards: scenario, model, prior (none), batch."""
    input:
        unpack(INPUTS.fit),
    output:
        estimates=paths.fitted("estimates"),
        participants=paths.fitted("participants"),
        diagnostics=paths.fitted("diagnostics"),
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
        fit=PARAMS.fit,
    message:
        "Estimate by {wildcards.model} in {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/estimate.py"


use rule estimate as estimate_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        estimates=paths.observed("estimates"),
        participants=paths.observed("participants"),
        diagnostics=paths.observed("diagnostics"),
    log:
        paths.log("estimate_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("estimate_observed/{dataset}/{model}/{prior}/00001-00001")
    params:
        fit=PARAMS.fit_observed,
    message:
        "Estimate by {wildcards.model} in observed {wildcards.dataset}"
