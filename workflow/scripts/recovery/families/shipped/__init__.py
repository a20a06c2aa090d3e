"""The families of the workflow, one module or package each."""
