rule estimate:
    """Fit one estimator to one batch. Wildcards: scenario, model, prior (none), batch."""
    input:
        unpack(fit_inputs),
    output:
        estimates="results/{study}/estimates/{scenario}/{model}/{prior}/{batch}.parquet",
        participants="results/{study}/participants/{scenario}/{model}/{prior}/{batch}.parquet",
        diagnostics="results/{study}/diagnostics/{scenario}/{model}/{prior}/{batch}.parquet",
    log:
        "results/{study}/logs/estimate/{scenario}/{model}/{prior}/{batch}.log",
    wildcard_constraints:
        model="|".join(STUDY.estimators_without_prior) or "none",
        prior=NO_PRIOR,
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=fit_memory,
        runtime=fit_minutes,
    params:
        fit=fit_spec,
    message:
        "Estimate by {wildcards.model} in {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/estimate.py"


use rule estimate as estimate_observed with:
    input:
        unpack(fit_observed_inputs),
    output:
        estimates="results/{study}/observed/estimates/{dataset}/{model}/{prior}/00001-00001.parquet",
        participants="results/{study}/observed/participants/{dataset}/{model}/{prior}/00001-00001.parquet",
        diagnostics="results/{study}/observed/diagnostics/{dataset}/{model}/{prior}/00001-00001.parquet",
    log:
        "results/{study}/logs/estimate_observed/{dataset}/{model}/{prior}/00001-00001.log",
    params:
        fit=fit_observed_spec,
    message:
        "Estimate by {wildcards.model} in observed {wildcards.dataset}"
