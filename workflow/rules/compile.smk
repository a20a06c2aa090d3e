rule compile:
    """Compile one Stan program for CmdStan. Wildcards: model."""
    input:
        program=ancient(stan_program),
    output:
        executable="results/{study}/programs/{model}",
    log:
        "results/{study}/logs/compile/{model}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        compiled=compiled_program,
        include=str(PROGRAMS),
    message:
        "Compile {wildcards.model}"
    script:
        "../scripts/compile.py"
