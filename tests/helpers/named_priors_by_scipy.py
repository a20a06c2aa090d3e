"""Log densities of parameters with named priors by SciPy, as Stan's programs sample them.

A prior is a frozen distribution of scipy.stats, `None` if it is flat, or the number of a constant.
"""

import numpy as np
import stanli
from conftest import STAN

FLAT = None


class CutAtZero:
    """A frozen distribution of scipy.stats, given that it is above 0."""

    def __init__(self, whole):
        self.whole = whole

    def support(self) -> tuple[float, float]:
        """Numbers above 0."""
        return 0.0, np.inf

    def logpdf(self, x: float) -> float:
        """The log density at x."""
        return self.whole.logpdf(x) - self.whole.logsf(0)

    def ppf(self, probability: float) -> float:
        """The value below which there is this probability."""
        return self.whole.isf((1 - probability) * self.whole.sf(0))


def log_density(priors: dict, at: dict, low: dict) -> float:
    """The sum over parameters: log densities, and log Jacobians of Stan's transforms of bounds.

    `low` has the lower bounds of parameters, for those that are flat.
    """
    total = 0.0
    for name, prior in priors.items():
        if isinstance(prior, float):
            continue
        x, (lower, upper) = at[name], (low.get(name, -np.inf), np.inf)
        if prior is not FLAT:
            lower, upper = prior.support()
            total += prior.logpdf(x)
        if np.isfinite(lower):
            total += np.log(x - lower)
        if np.isfinite(upper):
            total += np.log((upper - x) / (upper - lower))
    return total


def values(priors: dict, rng) -> dict:
    """Values of parameters near the middle of their priors; those of flat ones are in (0.5, 1)."""

    def value(prior) -> float:
        if isinstance(prior, float):
            return prior
        return rng.uniform(0.5, 1) if prior is FLAT else prior.ppf(rng.uniform(0.4, 0.8))

    return {name: value(prior) for name, prior in priors.items()}


def program_density(family, model: str, columns: dict, prior, priors: dict):
    """The function of values of parameters, and of the program's others, that it computes."""
    data = family.stan_data(columns, prior, model)
    program = stanli.Model(str(family.program(model, STAN)), data, include_paths=str(STAN))

    def density(at: dict, **others) -> float:
        free = [at[name] for name, each in priors.items() if not isinstance(each, float)]
        flat = {key: np.asarray(each).tolist() for key, each in others.items()}
        return program.log_prob_grad(program.unconstrain({"free": free} | flat))[0]

    return density
