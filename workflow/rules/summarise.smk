rule summarise:
    """Compute the performance measures of every cell and the outcomes of its fits."""
    input:
        unpack(INPUTS.summarise),
    output:
        **{table: DESIGN.file(paths.summary(table)) for table in SUMMARIES},
        **{f"{table}_csv": DESIGN.file(paths.summary(table, "csv")) for table in SUMMARIES},
    log:
        DESIGN.file(paths.log("summarise")),
    benchmark:
        DESIGN.file(paths.benchmark("summarise"))
    localrule: True
    conda:
        "../envs/tables.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        summary=PARAMS.summarise,
    message:
        "Score every cell"
    script:
        "../scripts/summarise.py"
