# The workflow is workflow/Snakefile. With this file `snakemake` finds it from here.
include: "workflow/Snakefile"


workflow.default_target = "all"  # `include` leaves it open
