"""Modules that every other package uses: no Snakemake, no statistics."""
