"""An observed dataset in a study."""

OBSERVED = {"path": "a.csv", "columns": {"participant": "p"}}
