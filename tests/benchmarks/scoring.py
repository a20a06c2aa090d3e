"""Time and memory of scoring studies of 100,000 to 10 million rows of estimates."""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import PRIOR, STAN, TRUTH, Row, spent, study

from recovery import families, tables
from recovery.run import preflight

# Rows: truths, priors, replicates; times 2 models of 6 parameters.
SHAPES = {
    "100,000 rows": (2, 1, 4167),
    "1 million rows": (20, 1, 4167),
    "10 million rows": (200, 1, 4167),
    "10 million rows, 20 cells": (1, 10, 83_334),
}


def measure() -> list[Row]:
    """Synthesise each study's tables, then score them in a process of its own."""
    rows = []
    for case, (truths, priors, replicates) in SHAPES.items():
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "stan").symlink_to(STAN)
            os.chdir(folder)
            content = study(
                "synthetic",
                replicates=replicates,
                batch=250,
                participants=[4],
                observations=[5],
                models=["centered", "noncentered"],
                truths={f"t{i}": {**TRUTH, "sigma": 1.0 + i} for i in range(truths)},
                priors={f"p{i}": {**PRIOR, "b": f"normal(0, {1 + i})"} for i in range(priors)},
            )
            _synthesise(content)
            cost = spent([sys.executable, __file__, json.dumps(content)], Path(folder))
            os.chdir("/")
        rows.append(Row("scoring", case, "time", cost.wall, "s"))
        rows.append(Row("scoring", case, "memory", cost.memory, "MB"))
    return rows


def _plan(content: dict):
    return preflight.prepare(content, "synthetic", Path("stan"), thoroughly=False)


def _synthesise(content: dict) -> None:
    """Write every table that scoring reads: random estimates, well converged fits."""
    plan = _plan(content)
    family, rng = families.find(plan.study.family_choice), np.random.default_rng(1)
    data = {"participant": [1, 1, 2, 2], "x": [0.0, 1.0, 0.0, 1.0], "y": [0.0, 1.0, 0.0, 1.0]}
    for scenario in plan.scenarios:
        for batch in plan.data_batches(scenario):
            made = plan.simulation(scenario, batch)
            truth = {"replicate": [1], "parameter": ["sigma"], "truth": [1.0]}
            truth |= {"data_seed": [1], "error": [None]}
            for name, columns, schema in (
                ("data", {"replicate": [1] * 4, **data}, tables.data_schema(family.COLUMNS)),
                ("truth", truth, tables.TRUTH),
            ):
                file = plan.dataset_file(name, scenario, batch)
                cost = {"simulate": 0.5}
                tables.write(columns, file, schema, made["identity"], cost, made["replicates"])
    for cell in plan.cells:
        for batch in plan.batches(cell):
            _synthesise_fits(plan, cell, batch, rng)


def _synthesise_fits(plan, cell, batch, rng) -> None:
    made = plan.fit(*cell, batch)
    identity, ranges = made["identity"], made["replicates"]
    parameters = list(families.find(plan.study.family_choice).PARAMETERS)
    fits, number = len(batch.replicates), len(batch.replicates) * len(parameters)
    keys = dict(zip(("scenario", "model", "prior"), cell, strict=True))
    estimates = tables.estimates_schema(plan.study.intervals)
    columns = {name: rng.normal(size=number) for name in estimates.names}
    columns |= dict.fromkeys(("rank", "max_rank"), [None] * number)
    columns |= {name: [value] * number for name, value in keys.items()}
    columns["replicate"] = np.repeat(batch.replicates, len(parameters))
    columns["parameter"], columns["truth"] = parameters * fits, np.tile(np.arange(6.0), fits)
    file = plan.cell_file("estimates", cell, batch)
    tables.write(columns, file, estimates, identity, replicates=ranges)
    rows = [
        {
            **keys,
            "replicate": replicate,
            "attempt": 1,
            "status": "ok",
            "converged": True,
            "n_divergent": 0,
            "n_leapfrog": 25_000,
            "min_ess_bulk": 1000.0,
            "warmup_seconds": 0.1,
            "sampling_seconds": 0.1,
            "other_seconds": 0.02,
        }
        for replicate in batch.replicates
    ]
    diagnostics = tables.from_rows(rows, tables.DIAGNOSTICS)
    cost, file = {"start": 1.0, "tables": 0.1}, plan.cell_file("diagnostics", cell, batch)
    tables.write(diagnostics, file, tables.DIAGNOSTICS, identity, cost, ranges)
    groups = dict.fromkeys(tables.GROUPS.names, [0.5] * fits)
    groups |= {name: [value] * fits for name, value in keys.items()}
    groups |= {
        "n_groups": [4] * fits,
        "factor": ["participant"] * fits,
        "coefficient": ["r_participant[,x]"] * fits,
        "replicate": batch.replicates,
    }
    file = plan.cell_file("groups", cell, batch)
    tables.write(groups, file, tables.GROUPS, identity, replicates=ranges)


if __name__ == "__main__":
    from recovery.score import summaries

    summaries.summarise(_plan(json.loads(sys.argv[1])))
