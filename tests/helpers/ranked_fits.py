"""Fits of simulated datasets with ranks of their truths, and the verdicts on them."""

import numpy as np
import pandas as pd
from conftest import SMALL, STAN, make_design

from recovery.engines.protocol import Program
from recovery.fit import batches
from recovery.fit.sampler import SamplerFitter
from recovery.plan.batch_size import Batch
from recovery.plan.seeds import dataset_seed, fit_seed
from recovery.score import calibration, measures

PRIOR = SMALL["priors"]["weak"]
REPLICATES = 500


def ranked(simulate, program, model, size, *changes, prior=PRIOR, seed=1, replicates=REPLICATES):
    """Fit a program to every replicate; return all estimates and diagnostics.

    Parameters
    ----------
    simulate : callable
        A prior, the numbers of participants and observations, a generator -> a dataset's columns
        and true values.
    changes : tuple
        Of the study, as for `make_design`.
    """
    sampler = {"chains": 4, "warmup": 400, "draws": 500}
    design = make_design(
        ("truths", {"drawn": {"prior": "weak"}}),
        ("priors", "weak", prior),
        ("seed", seed),
        ("participants", [size[0]]),
        ("observations", [size[1]]),
        ("models", [model]),
        ("sampler", sampler),
        *changes,
    )
    (scenario,) = design.scenarios
    specification = design.fit(scenario, model, "weak", Batch(1, replicates, replicates))
    fitter = SamplerFitter(specification, Program(str(program), str(STAN)))
    estimates, diagnostics = [], []
    for replicate in range(1, replicates + 1):
        rng = np.random.default_rng(dataset_seed(specification, replicate))
        columns, values = simulate(fitter.prior, size, rng)
        fit = fitter(batches.Task(replicate, columns, values))
        estimates += [row | {"replicate": replicate} for row in fit.estimates]
        seed = fit_seed(specification, replicate)
        key = {"replicate": replicate, "attempt": 1, "seed": seed, "failed_in": None}
        diagnostics.append(fit.diagnostics | key)
    estimates = pd.DataFrame(estimates)
    left_out = estimates["parameter"].str.startswith("r_")
    left_out |= estimates["parameter"].isin(fitter.prior.fixed)
    return estimates[~left_out], pd.DataFrame(diagnostics)


def judge(estimates, diagnostics) -> pd.DataFrame:
    """The verdict on every quantity, all of them corrected together."""
    planned = diagnostics["replicate"].nunique()
    result = calibration.cell_p_values(estimates, measures.final_attempts(diagnostics), planned)
    return calibration.with_verdicts(result.assign(cell=1), ["cell"]).set_index("quantity")


def failing(result) -> set[str]:
    """The quantities whose ranks are not uniform."""
    return set(result.index[result["p_corrected"] < calibration.FAMILY_WISE])
