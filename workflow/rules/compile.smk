rule compile:
    """Compile one Stan program for CmdStan. Wildcards: model, version."""
    output:
        executable=paths.PROGRAM,
    log:
        paths.log("compile/{model}-{version}"),
    benchmark:
        paths.benchmark("compile/{model}-{version}")
    conda:
        "../envs/stan.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        compile=PARAMS.compile,
    message:
        "Compile {wildcards.model}"
    script:
        "../scripts/compile.py"
