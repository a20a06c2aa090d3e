"""An observed dataset in a study."""

OBSERVED = {"path": "a.csv", "outcome": "y", "predictor": "x", "participant": "p"}
