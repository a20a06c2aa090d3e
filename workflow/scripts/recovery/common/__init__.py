"""What every part of the library uses: no Snakemake, no statistics."""
