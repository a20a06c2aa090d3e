"""The job of one batch of fits: input files, fits, output files."""

from __future__ import annotations

import time
from collections.abc import Mapping

from recovery import tables
from recovery.fit import batches, draws
from recovery.fit.batches import Fitter


def fit(fitter: Fitter, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Fit every dataset of a batch and write the tables of the batch.

    Parameters
    ----------
    inputs : mapping
        The files of the tables `data` and, unless the data are observed, `truth`.
    outputs : mapping
        A file for each table; `draws` only if the study keeps draws.
    """
    specification, started = fitter.specification, time.process_time()
    dataset, identity = specification["dataset"], specification["identity"]
    data = tables.read_of(inputs["data"], dataset)
    truth = tables.read_of(inputs["truth"], dataset) if "truth" in inputs else None
    with draws.writer(outputs.get("draws"), identity) as write_draws:
        batch = batches.fit_batch(data, truth, fitter, write_draws)
    for name, schema in batches.schemas(specification).items():
        cost = {"start": started, "tables": time.process_time() - started}
        tables.write(batch[name], outputs[name], schema, identity, cost)
