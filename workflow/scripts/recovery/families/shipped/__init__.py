"""The families that come with the workflow, a module or package each."""
