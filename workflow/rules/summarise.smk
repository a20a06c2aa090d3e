rule summarise:
    """Compute the performance measures of every cell and the outcomes of its fits."""
    input:
        unpack(INPUTS.summarise),
    output:
        **{table: DESIGN.file(paths.summary(table)) for table in SUMMARIES},
        **{
            f"{table}_csv": DESIGN.file(paths.summary(table, "csv"))
            for table in SUMMARIES
            if table not in DESIGN.tables_on_request
        },
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


rule large_csv:
    """Write a large summary table as CSV, on request. Wildcards: table."""
    input:
        table=DESIGN.file(paths.summary("{table}"), table="{table}"),
    output:
        csv=DESIGN.file(paths.summary("{table}", "csv"), table="{table}"),
    log:
        DESIGN.file(paths.log("large_csv/{table}"), table="{table}"),
    wildcard_constraints:
        table="|".join(DESIGN.tables_on_request) or "none",
    localrule: True
    conda:
        "../envs/tables.yaml"
    message:
        "Write {wildcards.table} as CSV"
    script:
        "../scripts/large_csv.py"
