rule summarise:
    """Score every cell, and say how its fits went."""
    input:
        unpack(summary_inputs),
    output:
        performance="results/{study}/summary/performance.parquet",
        performance_csv="results/{study}/summary/performance.csv",
        comparison="results/{study}/summary/comparison.parquet",
        comparison_csv="results/{study}/summary/comparison.csv",
        participants="results/{study}/summary/participants.parquet",
        participants_csv="results/{study}/summary/participants.csv",
        calibration="results/{study}/summary/calibration.parquet",
        calibration_csv="results/{study}/summary/calibration.csv",
        convergence="results/{study}/summary/convergence.parquet",
        convergence_csv="results/{study}/summary/convergence.csv",
        efficiency="results/{study}/summary/efficiency.parquet",
        efficiency_csv="results/{study}/summary/efficiency.csv",
        costs="results/{study}/summary/costs.parquet",
        costs_csv="results/{study}/summary/costs.csv",
        precision="results/{study}/summary/precision.parquet",
        precision_csv="results/{study}/summary/precision.csv",
        verification="results/{study}/summary/verification.parquet",
        verification_csv="results/{study}/summary/verification.csv",
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
