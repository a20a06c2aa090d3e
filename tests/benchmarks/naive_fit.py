"""One fit of the pipeline that is written by hand today: sample, summarise with ArviZ, write CSV.

Usage: naive_fit.py PROGRAM INCLUDE DATA SEED OUTPUT
"""

import csv
import json
import sys
from pathlib import Path

import stanli
from arviz_stats.base import array_stats
from common import SAMPLER

program, include, data, seed, output = sys.argv[1:]
model = stanli.Model(
    stan_file=program, data=json.loads(Path(data).read_text()), include_paths=include
)
fit = model.sample(
    chains=SAMPLER["chains"],
    seed=int(seed),
    warmup=SAMPLER["warmup"],
    samples=SAMPLER["draws"],
    parallel_chains=1,
    refresh=0,
)
with Path(output).open("w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["parameter", "mean", "sd", "rhat", "ess_bulk", "ess_tail", "mcse_mean"])
    for name in ("b[1]", "b[2]", "sd[1]", "sd[2]", "cor[1]", "sigma", "lp__"):
        draws = fit[name].reshape(SAMPLER["chains"], -1)
        rhat, bulk = array_stats.rhat(draws), array_stats.ess(draws)
        tail = array_stats.ess(draws, method="tail", prob=(0.05, 0.95))
        diagnostics = [rhat, bulk, tail, array_stats.mcse(draws)]
        table.writerow([name, draws.mean(), draws.std(), *diagnostics])
