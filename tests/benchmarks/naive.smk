# The pipeline that is written by hand today: one job, one process and one CSV file a fit.
rule all:
    input:
        expand("summary{number}.csv", number=range(1, int(config["fits"]) + 1)),


rule fit:
    input:
        "data{number}.json",
    output:
        "summary{number}.csv",
    params:
        python=config["python"],
        fit=config["fit"],
        program=config["program"],
        include=config["include"],
    shell:
        "{params.python} {params.fit} {params.program} {params.include} {input} {wildcards.number} {output}"
