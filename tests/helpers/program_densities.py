"""Log densities of regressions' Stan programs, and the same by scipy.stats.

Parameters are `b`, thresholds `c`, `sd`, `partial`, the groups' coefficients `u` or their
standardised deviations `z`, and the outcome's own. Programs have b and c at the means of predictors
instead, where the prior of the intercept and of thresholds is; the Jacobian of that is 1.
"""

from dataclasses import dataclass

import numpy as np
import stanli
from conftest import STAN
from scipy import stats

from recovery import families

B = {"Intercept": (0.2, 1.5), "x": (-0.1, 0.7), "x1": (-0.1, 0.7), "x2": (0.3, 1.1)}  # mean, SD
THRESHOLDS, ETA = (0.5, 2.0), 3.0
RATES = {"participant": (1.2, 2.0), "item": (0.7,)}  # of the priors of SDs
OUTCOMES = {  # parameter of the outcome -> prior
    "multilevel_robust": {"sigma": "exponential(2)", "nu": "gamma(2, 0.1)"},
    "multilevel_bernoulli": {},
    "multilevel_poisson": {},
    "multilevel_binomial": {},
    "multilevel_ordinal": {},
    "multilevel_negative_binomial": {"shape": "gamma(2, 0.1)"},
    "multilevel_lognormal": {"sigma": "exponential(2)"},
    "multilevel_gamma": {"shape": "gamma(2, 0.1)"},
    "multilevel_beta": {"phi": "gamma(2, 0.1)"},
}


@dataclass(frozen=True)
class Shape:
    """Which coefficients there are, and by which groups they vary: factor -> coefficients."""

    right: str
    b: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]


SHAPES = {
    "all vary": Shape(
        "x + offset(log(exposure)) + (x | participant)",
        ("Intercept", "x"),
        {"participant": ("Intercept", "x")},
    ),
    "one of three varies": Shape(
        "x1 + x2 + offset(log(exposure)) + (x2 | participant)",
        ("Intercept", "x1", "x2"),
        {"participant": ("Intercept", "x2")},
    ),
    "intercepts vary": Shape(
        "x1 + x2 + offset(log(exposure)) + (1 | participant)",
        ("Intercept", "x1", "x2"),
        {"participant": ("Intercept",)},
    ),
    "crossed": Shape(
        "x1 + x2 + offset(log(exposure)) + (x2 | participant) + (1 | item)",
        ("Intercept", "x1", "x2"),
        {"participant": ("Intercept", "x2"), "item": ("Intercept",)},
    ),
}


@dataclass(frozen=True)
class Regression:
    """A family of a shape, and a prior with different values of all hyperparameters."""

    name: str
    shape: Shape

    @property
    def b(self) -> tuple[str, ...]:
        """The population's coefficients; thresholds replace an intercept."""
        return self.shape.b[1:] if self.name == "multilevel_ordinal" else self.shape.b

    @property
    def family(self):
        """The family; binomial outcomes have 1 to 5 trials."""
        covariates = {name: {"normal": [0, 1]} for name in self.shape.b[1:]}
        left = "y | trials(n)" if self.name == "multilevel_binomial" else "y"
        return families.find(
            {
                "name": self.name,
                "formula": f"{left} ~ {self.shape.right}",
                "design": covariates
                | {"exposure": {"uniform": [0.5, 1.5]}}
                | ({"n": {"values": [1, 2, 3, 4, 5]}} if left != "y" else {}),
                "sizes": {name: None for name in self.shape.groups if name != "participant"},
            }
            | ({"categories": 3} if self.name == "multilevel_ordinal" else {})
        )

    @property
    def prior(self):
        """The prior."""
        numbers = B | ({"Intercept": THRESHOLDS} if self.name == "multilevel_ordinal" else {})
        normal = {name: f"normal({numbers[name][0]}, {numbers[name][1]})" for name in self.shape.b}
        texts = {"Intercept": normal.pop("Intercept")}
        texts |= {f"b_{name}": text for name, text in normal.items()}
        for factor, names in self.shape.groups.items():
            rates = dict(zip(names, RATES[factor], strict=False))
            texts |= {f"sd_{factor}__{name}": f"exponential({r})" for name, r in rates.items()}
            texts |= {"cor": f"lkj({ETA})"} if len(names) > 1 else {}
        return self.family.Prior(**texts, **OUTCOMES[self.name])

    def dataset(self, participants, observations, seed=1):
        """Columns of a truth from the prior; three items if there are items."""
        rng, sizes = np.random.default_rng(seed), {"item": 3} if "item" in self.shape.groups else {}
        size = (participants, observations)
        return self.family.simulate_joint("multilevel", self.prior, {}, *size, rng, sizes)[0]

    def point(self, model, columns, rng) -> dict[str, np.ndarray]:
        """Values of parameters."""
        result = {"b": rng.normal(size=len(self.b))}
        if self.name == "multilevel_ordinal":
            result["c"] = np.sort(rng.normal(size=2))
        result |= {name: rng.uniform(0.5, 2) for name in OUTCOMES[self.name]}
        if "nu" in result:
            result["nu"] = rng.uniform(2, 9)
        if model == "pooled":
            return result
        sizes = [len(names) for names in self.shape.groups.values()]
        number = sum(
            len(names) * columns[factor].max() for factor, names in self.shape.groups.items()
        )
        return result | {
            "sd": rng.uniform(0.3, 1, sum(sizes)),
            "partial": rng.uniform(-0.8, 0.8, sizes.count(2)),
            "u" if model == "centered" else "z": rng.normal(size=number),
        }

    def at_means(self, at, columns) -> dict[str, np.ndarray]:
        """The intercept and thresholds where predictors have their means, and other b."""
        names = self.shape.b[1:]
        slopes = at["b"][-len(names) :]
        shift = sum(slope * columns[name].mean() for name, slope in zip(names, slopes, strict=True))
        if "c" in at:
            return {"b": slopes, "c": at["c"] - shift}
        return {"b": np.array([at["b"][0] + shift, *slopes])}

    def as_in_program(self, at, columns) -> dict[str, np.ndarray]:
        """The parameters of a program: `free` has all with a named prior."""
        at_means = self.at_means(at, columns)
        own = [at[name] for name in OUTCOMES[self.name]]
        named = {"free": np.concatenate([at_means["b"], at.get("sd", []), own])}
        named |= {"c_at_means": at_means["c"]} if "c" in at else {}
        return named | {name: at[name] for name in ("partial", "u", "z") if name in at}

    def log_prior(self, at, columns) -> float:
        """Log density of parameters, with the Jacobians of Stan's transforms."""
        at_means = self.at_means(at, columns)
        b = at_means["b"]
        total = stats.norm.logpdf(b, *np.transpose([B[name] for name in self.b])).sum()
        if "c" in at:
            total += stats.norm.logpdf(at_means["c"], *THRESHOLDS).sum()
            total += np.log(np.diff(at["c"])).sum()
        for name in ("shape", "phi", "nu"):
            if name in at:
                total += stats.gamma.logpdf(at[name], 2, scale=10)
                total += np.log(at[name] - (name == "nu"))
        if "sigma" in at:
            total += stats.expon.logpdf(at["sigma"], scale=1 / 2) + np.log(at["sigma"])
        if "sd" in at:
            rates = [
                rate
                for factor, names in self.shape.groups.items()
                for rate, _ in zip(RATES[factor], names, strict=False)
            ]
            total += stats.expon.logpdf(at["sd"], scale=1 / np.array(rates)).sum()
            total += np.log(at["sd"]).sum()
            # Of two coefficients, the partial correlation is their correlation, of a beta prior.
            total += stats.beta.logpdf((at["partial"] + 1) / 2, ETA, ETA).sum()
            total += np.log1p(-(at["partial"] ** 2)).sum()
        if "z" in at:
            total += stats.norm.logpdf(at["z"]).sum()
        if "u" in at:
            for mean, covariance, own in self._groups(at, columns).values():
                total += stats.multivariate_normal.logpdf(own, mean, covariance).sum()
        return total

    def _groups(self, at, columns) -> dict:
        """For every factor the mean and covariance of coefficients, and those of every group.

        Those of `z` are deviations from their means in b. A coefficient of the population is the
        mean of those of participants, so the items' intercepts have the mean 0.
        """
        b, found = dict(zip(self.b, at["b"], strict=True)), {}
        values, sds = (at["u"] if "u" in at else at["z"]), at["sd"]
        for factor, names in self.shape.groups.items():
            q, people = len(names), columns[factor].max()
            own, values = values[: q * people].reshape(people, q), values[q * people :]
            sd, sds = sds[:q], sds[q:]
            rho = at["partial"][0] if q == 2 else 0
            factor_of = np.linalg.cholesky(np.array([[1, rho], [rho, 1]])[:q, :q])
            scale = sd[:, None] * factor_of
            mean = np.array([b.get(name, 0) * (factor == "participant") for name in names])
            own = own if "u" in at else mean + own @ scale.T
            found[factor] = mean, scale @ scale.T, own
        return found

    def log_likelihood(self, at, columns) -> float:
        """Log density of the observations, given a program's parameters."""
        b = dict(zip(self.b, at["b"], strict=True))
        x = columns | {"Intercept": np.ones(columns["y"].size)}
        eta = np.log(columns["exposure"])
        if "sd" in at:
            for factor, (_, _, own) in self._groups(at, columns).items():
                for name, each in zip(self.shape.groups[factor], own.T, strict=True):
                    eta = eta + each[columns[factor] - 1] * x[name]
                    if factor == "participant":
                        b.pop(name, None)  # it is in each
        eta = eta + sum(value * x[name] for name, value in b.items())
        return _LOG_DENSITIES[self.name](columns, eta, at).sum()


def program_density(regression, model, columns):
    """Return the function of a point that a program computes."""
    family = regression.family
    program = stanli.Model(
        str(family.program(model, STAN)),
        family.stan_data(columns, regression.prior, model),
        include_paths=str(STAN),
    )

    def density(at) -> float:
        own = regression.as_in_program(at, columns)
        flat = {key: np.ravel(value).tolist() for key, value in own.items()}
        return program.log_prob_grad(program.unconstrain(flat))[0]

    return density


def _categories(columns, eta, at):
    y = columns["y"]
    below = stats.logistic.cdf(np.array([-np.inf, *at["c"], np.inf])[:, None] - eta)
    return np.log(np.diff(below, axis=0)[y - 1, np.arange(y.size)])


def _proportions(columns, eta, at):
    mean = stats.logistic.cdf(eta)
    return stats.beta.logpdf(columns["y"], mean * at["phi"], (1 - mean) * at["phi"])


_LOG_DENSITIES = {
    "multilevel_robust": lambda of, eta, at: stats.t.logpdf(of["y"], at["nu"], eta, at["sigma"]),
    "multilevel_bernoulli": lambda of, eta, at: stats.bernoulli.logpmf(
        of["y"], stats.logistic.cdf(eta)
    ),
    "multilevel_poisson": lambda of, eta, at: stats.poisson.logpmf(of["y"], np.exp(eta)),
    "multilevel_binomial": lambda of, eta, at: stats.binom.logpmf(
        of["y"], of["n"], stats.logistic.cdf(eta)
    ),
    "multilevel_ordinal": _categories,
    "multilevel_negative_binomial": lambda of, eta, at: stats.nbinom.logpmf(
        of["y"], at["shape"], at["shape"] / (at["shape"] + np.exp(eta))
    ),
    "multilevel_lognormal": lambda of, eta, at: stats.lognorm.logpdf(
        of["y"], at["sigma"], scale=np.exp(eta)
    ),
    "multilevel_gamma": lambda of, eta, at: stats.gamma.logpdf(
        of["y"], at["shape"], scale=np.exp(eta) / at["shape"]
    ),
    "multilevel_beta": _proportions,
}
