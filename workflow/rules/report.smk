rule figures:
    """Draw every figure of the study."""
    input:
        unpack(figure_inputs),
    output:
        svg=figure_files("svg"),
        pdf=figure_files("pdf"),
        png=figure_files("png"),
        costs="results/{study}/figures/costs.parquet",
    log:
        "results/{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    threads: 4
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        figures=figure_params,
    message:
        "Draw the figures"
    script:
        "../scripts/figures.py"


rule report:
    """Write the page, and the manifest that says where every number comes from."""
    input:
        unpack(report_inputs),
    output:
        page="results/{study}/report.html",
        manifest="results/{study}/manifest.json",
        models="results/{study}/tables/models.tex",
        cells="results/{study}/tables/cells.tex",
        comparison="results/{study}/tables/comparison.tex",
    log:
        "results/{study}/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        report=report_params,
    message:
        "Write the report"
    script:
        "../scripts/report.py"


rule outcome:
    """Say how all fits went; this fails when none gave estimates, after the page is written."""
    input:
        unpack(outcome_inputs),
    output:
        said="results/{study}/outcome.txt",
    log:
        "results/{study}/logs/outcome.log",
    retries: 0
    conda:
        "../../environment.yml"
    params:
        outcome=outcome_params,
    message:
        "Say how all fits went"
    script:
        "../scripts/outcome.py"
