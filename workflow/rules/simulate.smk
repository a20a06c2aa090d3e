rule check:
    """Try a researcher's own family: a dataset of every truth, a short fit of every model."""
    input:
        unpack(try_inputs),
    output:
        tried="results/{study}/family.txt",
    log:
        "results/{study}/logs/check.log",
    conda:
        "../../environment.yml"
    resources:
        **guest_minutes(),
    params:
        trial=try_params,
        include=str(PROGRAMS),
    message:
        "Try the family"
    script:
        "../scripts/check.py"


rule simulate:
    """Simulate one batch of datasets. Wildcards: scenario, batch."""
    input:
        unpack(simulate_inputs),
    output:
        data="results/{study}/data/{scenario}/{batch}.parquet",
        truth="results/{study}/truth/{scenario}/{batch}.parquet",
    log:
        "results/{study}/logs/simulate/{scenario}/{batch}.log",
    conda:
        "../../environment.yml"
    resources:
        **guest_minutes(),
    params:
        simulation=simulate_spec,
    message:
        "Simulate {wildcards.scenario}, replicates {params.simulation[replicates][0]} to {params.simulation[replicates][1]}"
    script:
        "../scripts/simulate.py"


rule observe:
    """Bring one observed dataset into the family's columns. Wildcards: dataset."""
    input:
        csv=ancient(observed_csv),
    output:
        data="results/{study}/observed/data/{dataset}/00001-00001.parquet",
    log:
        "results/{study}/logs/observe/{dataset}/00001-00001.log",
    conda:
        "../../environment.yml"
    params:
        observation=observe_spec,
    message:
        "Read observed {wildcards.dataset}"
    script:
        "../scripts/observe.py"
