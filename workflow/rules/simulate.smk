rule check:
    """Try a researcher's own family: datasets of every size, and a short fit of every model."""
    input:
        unpack(INPUTS.check),
    output:
        lines=DESIGN.file(paths.FAMILY_TRIAL),
    log:
        DESIGN.file(paths.log("check")),
    conda:
        "../envs/stan.yaml"
    resources:
        **RESOURCES.of_family_code(),
    params:
        trial=PARAMS.check,
    message:
        "Try the family"
    script:
        "../scripts/check.py"


rule simulate:
    """Simulate one batch of datasets. Wildcards: scenario, batch."""
    input:
        unpack(INPUTS.simulate),
    output:
        data=paths.simulated("data"),
        truth=paths.simulated("truth"),
    log:
        paths.log("simulate/{scenario}/{batch}"),
    benchmark:
        paths.benchmark("simulate/{scenario}/{batch}")
    conda:
        "../envs/tables.yaml"
    resources:
        **RESOURCES.of_family_code(),
    params:
        simulation=PARAMS.simulate,
    message:
        "Simulate {wildcards.scenario}, replicates {params.simulation[replicates]}"
    script:
        "../scripts/simulate.py"


rule observe:
    """Convert one observed dataset to the family's columns. Wildcards: dataset."""
    output:
        data=paths.OBSERVED_DATA,
    log:
        paths.log("observe/{dataset}/00001-00001"),
    conda:
        "../envs/tables.yaml"
    params:
        observation=PARAMS.observe,
    message:
        "Read observed {wildcards.dataset}"
    script:
        "../scripts/observe.py"
