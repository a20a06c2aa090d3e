# Tables that only some studies have, in addition to those of every fit.
DRAWS = ["draws"] if STUDY.keep_draws else []
LEFT_OUT = ["loo"] if STUDY.selection else []


rule fit:
    """Fit one model under one prior to one batch. Wildcards: scenario, model, prior, batch."""
    input:
        unpack(INPUTS.fit),
    output:
        **{table: paths.fitted(table) for table in DRAWS + LEFT_OUT},
        estimates=paths.fitted("estimates"),
        participants=paths.fitted("participants"),
        diagnostics=paths.fitted("diagnostics"),
    log:
        paths.log("fit/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("fit/{scenario}/{model}/{prior}/{batch}")
    conda:
        "../envs/stan.yaml"
    threads: 1
    resources:
        mem_mb=RESOURCES.memory,
        runtime=RESOURCES.minutes,
    params:
        fit=PARAMS.fit,
    message:
        "Fit {wildcards.model} under {wildcards.prior} to {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/fit.py"


use rule fit as verify with:
    input:
        unpack(INPUTS.verify),
    output:
        estimates=paths.verified("estimates"),
        participants=paths.verified("participants"),
        diagnostics=paths.verified("diagnostics"),
    log:
        paths.log("verify/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("verify/{scenario}/{model}/{prior}/{batch}")
    params:
        fit=PARAMS.verify,
    message:
        "Verify {wildcards.model} under {wildcards.prior} on {wildcards.scenario}, replicates {params.fit[only]}"


use rule fit as fit_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        **{table: paths.observed(table) for table in DRAWS + LEFT_OUT},
        estimates=paths.observed("estimates"),
        participants=paths.observed("participants"),
        diagnostics=paths.observed("diagnostics"),
    log:
        paths.log("fit_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("fit_observed/{dataset}/{model}/{prior}/00001-00001")
    params:
        fit=PARAMS.fit_observed,
    message:
        "Fit {wildcards.model} under {wildcards.prior} to observed {wildcards.dataset}"


rule approximate:
    """Approximate the posteriors of one batch. Wildcards: scenario, model, prior, batch."""
    input:
        unpack(INPUTS.fit),
    output:
        estimates=paths.fitted("estimates"),
        participants=paths.fitted("participants"),
        diagnostics=paths.fitted("diagnostics"),
    log:
        paths.log("approximate/{scenario}/{model}/{prior}/{batch}"),
    benchmark:
        paths.benchmark("approximate/{scenario}/{model}/{prior}/{batch}")
    wildcard_constraints:
        model="|".join(STUDY.approximations) or "none",
    conda:
        "../envs/stan.yaml"
    threads: 1
    resources:
        mem_mb=RESOURCES.memory,
        runtime=RESOURCES.minutes,
    params:
        fit=PARAMS.fit,
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in {wildcards.scenario}, replicates {params.fit[replicates][0]} to {params.fit[replicates][1]}"
    script:
        "../scripts/approximate.py"


use rule approximate as approximate_observed with:
    input:
        unpack(INPUTS.fit_observed),
    output:
        estimates=paths.observed("estimates"),
        participants=paths.observed("participants"),
        diagnostics=paths.observed("diagnostics"),
    log:
        paths.log("approximate_observed/{dataset}/{model}/{prior}/00001-00001"),
    benchmark:
        paths.benchmark("approximate_observed/{dataset}/{model}/{prior}/00001-00001")
    params:
        fit=PARAMS.fit_observed,
    message:
        "Approximate by {wildcards.model} under {wildcards.prior} in observed {wildcards.dataset}"
