"""What the commands do: check a study, lock its results, start Snakemake, replay a fit."""
