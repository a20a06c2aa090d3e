rule estimate:
    """Fit one estimator to one batch. Wildcards: scenario, estimator, batch."""
    input:
        unpack(estimate_inputs),
    output:
        estimates="results/{study}/estimates/{scenario}/{estimator}/no_prior/{batch}.parquet",
        participants="results/{study}/participants/{scenario}/{estimator}/no_prior/{batch}.parquet",
        diagnostics="results/{study}/diagnostics/{scenario}/{estimator}/no_prior/{batch}.parquet",
    log:
        "results/{study}/logs/estimate/{scenario}/{estimator}/{batch}.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=fit_minutes,
    params:
        fit=estimate_spec,
    message:
        "Estimate by {wildcards.estimator} in {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/estimate.py"


use rule estimate as estimate_observed with:
    input:
        unpack(estimate_observed_inputs),
    output:
        estimates="results/{study}/observed/estimates/{dataset}/{estimator}/no_prior/00001-00001.parquet",
        participants="results/{study}/observed/participants/{dataset}/{estimator}/no_prior/00001-00001.parquet",
        diagnostics="results/{study}/observed/diagnostics/{dataset}/{estimator}/no_prior/00001-00001.parquet",
    log:
        "results/{study}/logs/estimate_observed/{dataset}/{estimator}/00001-00001.log",
    params:
        fit=estimate_observed_spec,
    message:
        "Estimate by {wildcards.estimator} in observed {wildcards.dataset}"
