rule figures:
    """Draw every figure of the study."""
    input:
        unpack(INPUTS.figures),
    output:
        svg=figure_files("svg"),
        pdf=figure_files("pdf"),
        png=figure_files("png"),
        costs=DESIGN.file(paths.FIGURE_COSTS),
    log:
        DESIGN.file(paths.log("figures")),
    benchmark:
        DESIGN.file(paths.benchmark("figures"))
    localrule: True
    conda:
        "../envs/report.yaml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        figures=PARAMS.figures,
    message:
        "Draw the figures"
    script:
        "../scripts/figures.py"


rule report:
    """Write the report, its LaTeX tables, and the manifest, which records the origin of results."""
    input:
        unpack(INPUTS.report),
    output:
        page=DESIGN.file(paths.REPORT),
        manifest=DESIGN.file(paths.MANIFEST),
        models=DESIGN.file(paths.latex("models")),
        cells=DESIGN.file(paths.latex("cells")),
        comparison=DESIGN.file(paths.latex("comparison")),
        priors=DESIGN.file(paths.latex("priors")),
    log:
        DESIGN.file(paths.log("report")),
    benchmark:
        DESIGN.file(paths.benchmark("report"))
    localrule: True
    conda:
        "../envs/report.yaml"
    params:
        report=PARAMS.report,
    message:
        "Write the report"
    script:
        "../scripts/report.py"


rule outcome:
    """Print the outcomes of all fits. Fails if no fit gave estimates; the report is written first."""
    input:
        unpack(INPUTS.outcome),
    output:
        lines=DESIGN.file(paths.OUTCOME),
    log:
        DESIGN.file(paths.log("outcome")),
    retries: 0
    localrule: True
    conda:
        "../envs/tables.yaml"
    params:
        outcome=PARAMS.outcome,
    message:
        "Print the outcomes of all fits"
    script:
        "../scripts/outcome.py"
