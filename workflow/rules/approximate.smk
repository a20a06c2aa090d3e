rule approximate:
    """Approximate one batch's posteriors. Wildcards: scenario, model (its algorithm too), prior, batch."""
    input:
        unpack(fit_inputs),
        program=ancient(stan_program),
    output:
        estimates="results/{study}/estimates/{scenario}/{model}/{prior}/{batch}.parquet",
        participants="results/{study}/participants/{scenario}/{model}/{prior}/{batch}.parquet",
        diagnostics="results/{study}/diagnostics/{scenario}/{model}/{prior}/{batch}.parquet",
    log:
        "results/{study}/logs/approximate/{scenario}/{model}/{prior}/{batch}.log",
    wildcard_constraints:
        model="|".join(estimators.approximating(STUDY)) or "none",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=fit_memory,
        runtime=fit_minutes,
    params:
        fit=fit_spec,
        include=str(PROGRAMS),
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/approximate.py"


use rule approximate as approximate_observed with:
    input:
        unpack(fit_observed_inputs),
        program=ancient(stan_program),
    output:
        estimates="results/{study}/observed/estimates/{dataset}/{model}/{prior}/00001-00001.parquet",
        participants="results/{study}/observed/participants/{dataset}/{model}/{prior}/00001-00001.parquet",
        diagnostics="results/{study}/observed/diagnostics/{dataset}/{model}/{prior}/00001-00001.parquet",
    log:
        "results/{study}/logs/approximate_observed/{dataset}/{model}/{prior}/00001-00001.log",
    params:
        fit=fit_observed_spec,
        include=str(PROGRAMS),
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in observed {wildcards.dataset}"
