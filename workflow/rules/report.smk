rule figures:
    """Draw every figure of the study."""
    input:
        performance="results/{study}/summary/performance.parquet",
        convergence="results/{study}/summary/convergence.parquet",
        prior_predictive="results/{study}/summary/prior_predictive.parquet",
        data=dataset_files("data"),
        truth=dataset_files("truth"),
        estimates=cell_files("estimates", first_only=True),
        observed=observed_files("estimates"),
    output:
        svg=figure_files("svg"),
        pdf=figure_files("pdf"),
        png=figure_files("png"),
    log:
        "results/{study}/logs/figures.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        figures=figure_params,
    script:
        "../scripts/figures.py"


rule report:
    """Write the page, and the manifest that says where every number comes from."""
    input:
        performance="results/{study}/summary/performance.parquet",
        convergence="results/{study}/summary/convergence.parquet",
        figures=rules.figures.output.svg,
        observed=observed_files("estimates"),
        observed_diagnostics=observed_files("diagnostics"),
    output:
        page="results/{study}/report.html",
        manifest="results/{study}/manifest.json",
    log:
        "results/{study}/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        report=report_params,
    script:
        "../scripts/report.py"
