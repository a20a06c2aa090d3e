rule summarise:
    """Score every cell, and say how its fits went."""
    input:
        unpack(summary_inputs),
    output:
        performance="results/{study}/summary/performance.parquet",
        performance_csv="results/{study}/summary/performance.csv",
        convergence="results/{study}/summary/convergence.parquet",
        convergence_csv="results/{study}/summary/convergence.csv",
        prior_predictive="results/{study}/summary/prior_predictive.parquet",
        prior_predictive_csv="results/{study}/summary/prior_predictive.csv",
    log:
        "results/{study}/logs/summarise.log",
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        summary=summary_params,
    message:
        "Score every cell"
    script:
        "../scripts/summarise.py"
