"""A bare sampler: make a study's fits again, every one of a part, and nothing else.

Usage: bare.py PROGRAM CHECKOUT PART PARTS
"""

import sys
from pathlib import Path

import pandas as pd
import stanli
from common import SAMPLER, STAN, stan_data

from recovery import families

program, folder, part, parts = sys.argv[1:]
results = Path(folder) / "results" / "bench"
data, fits = (
    pd.concat(map(pd.read_parquet, sorted((results / table).rglob("*.parquet"))))
    for table in ("data", "diagnostics")
)

family = families.find("multilevel_linear")
intermediate = stanli.stan_to_mir(Path(program).read_text(), include_paths=str(STAN))
datasets = dict(tuple(data.groupby("replicate")))
for fit in fits[fits["replicate"] % int(parts) == int(part)].itertuples():
    columns = {name: datasets[fit.replicate][name].to_numpy() for name in family.COLUMNS}
    values = stan_data(columns, Path(program).stem)
    stanli.Model(mir=intermediate, data=values).sample(
        chains=SAMPLER["chains"],
        seed=fit.seed,
        warmup=SAMPLER["warmup"],
        samples=SAMPLER["draws"],
        parallel_chains=1,
        refresh=0,
    )
