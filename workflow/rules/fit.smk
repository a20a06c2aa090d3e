rule fit:
    """Fit one model under one prior to one batch. Wildcards: scenario, model, prior, batch."""
    input:
        unpack(fit_inputs),
        program=ancient(stan_program),
    output:
        **kept_draws("results/{study}/draws/{scenario}/{model}/{prior}/{batch}.parquet"),
        **left_out("results/{study}/loo/{scenario}/{model}/{prior}/{batch}.parquet"),
        estimates="results/{study}/estimates/{scenario}/{model}/{prior}/{batch}.parquet",
        participants="results/{study}/participants/{scenario}/{model}/{prior}/{batch}.parquet",
        diagnostics="results/{study}/diagnostics/{scenario}/{model}/{prior}/{batch}.parquet",
    log:
        "results/{study}/logs/fit/{scenario}/{model}/{prior}/{batch}.log",
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
        "Fit {wildcards.model} under {wildcards.prior} to {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/fit.py"


use rule fit as verify with:
    input:
        unpack(verify_inputs),
        program=ancient(stan_program),
    output:
        estimates="results/{study}/verified/estimates/{scenario}/{model}/{prior}/{batch}.parquet",
        participants="results/{study}/verified/participants/{scenario}/{model}/{prior}/{batch}.parquet",
        diagnostics="results/{study}/verified/diagnostics/{scenario}/{model}/{prior}/{batch}.parquet",
    log:
        "results/{study}/logs/verify/{scenario}/{model}/{prior}/{batch}.log",
    params:
        fit=verify_spec,
        include=str(PROGRAMS),
    message:
        "Verify {wildcards.model} under {wildcards.prior} on {wildcards.scenario}, replicates {params.fit[only]}"


rule fit_observed:
    """Fit one model under one prior to observed data. Wildcards: dataset, model, prior."""
    input:
        unpack(fit_observed_inputs),
        program=ancient(stan_program),
    output:
        **kept_draws("results/{study}/observed/draws/{dataset}/{model}/{prior}/00001-00001.parquet"),
        **left_out("results/{study}/observed/loo/{dataset}/{model}/{prior}/00001-00001.parquet"),
        estimates="results/{study}/observed/estimates/{dataset}/{model}/{prior}/00001-00001.parquet",
        participants="results/{study}/observed/participants/{dataset}/{model}/{prior}/00001-00001.parquet",
        diagnostics="results/{study}/observed/diagnostics/{dataset}/{model}/{prior}/00001-00001.parquet",
    log:
        "results/{study}/logs/fit_observed/{dataset}/{model}/{prior}/00001-00001.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=fit_memory,
        runtime=fit_minutes,
    params:
        fit=fit_observed_spec,
        include=str(PROGRAMS),
    message:
        "Fit {wildcards.model} under {wildcards.prior} to observed {wildcards.dataset}"
    script:
        "../scripts/fit.py"


rule approximate:
    """Approximate the posteriors of one batch. Wildcards: scenario, model, prior, batch."""
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
        model="|".join(STUDY.approximations) or "none",
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
