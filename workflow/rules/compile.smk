rule compile:
    """Compile one Stan program for CmdStan. Wildcards: model, version."""
    input:
        program=ancient(stan_program),
    output:
        executable="results/{study}/programs/{model}-{version}",
    log:
        "results/{study}/logs/compile/{model}-{version}.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        include=str(PROGRAMS),
        program=program_hash,
    message:
        "Compile {wildcards.model}"
    script:
        "../scripts/compile.py"
