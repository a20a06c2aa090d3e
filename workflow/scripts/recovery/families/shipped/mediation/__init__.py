"""Mediation within participants: x affects y directly and through m; all paths vary.

m_i ~ normal(d_m[j(i)] + a[j(i)] x_i, sigma_m)
y_i ~ normal(d_y[j(i)] + b[j(i)] m_i + cp[j(i)] x_i, sigma_y)
(a, b, cp, d_m, d_y)[j] ~ multi_normal(population, quad_form_diag(Omega, sigma_p))

The population's indirect effect is the mean of a[j] b[j], a b + cov(a[j], b[j]). Bauer,
Preacher & Gil (2006), doi:10.1037/1082-989X.11.2.142; Vuorre & Bolger (2018),
doi:10.3758/s13428-017-0980-9.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from recovery.families import correlations, observed_data
from recovery.families.correlations import draw_correlation
from recovery.families.family import (
    NO_SIZES,
    Axes,
    Columns,
    Family,
    Fields,
    Model,
    NoOptions,
    Values,
)
from recovery.families.priors import LKJ, NamedPriors, program_data
from recovery.families.shipped.mediation import path_likelihood
from recovery.families.shipped.mediation.path_types import (
    INDICES,
    OMEGA,
    PAIRS,
    RESIDUALS,
    SDS,
    SIZE,
    VARYING,
    ObservedColumns,
    Prior,
    Truth,
    effects,
)

JOINT = "mediation"
PROGRAM = (*VARYING, *SDS, *RESIDUALS)  # parameters with priors of their own, in its order
_COEFFICIENT = re.compile(r"beta_p\[\d+,(\d)\]")

Options = NoOptions


class Mediation(Family):
    """Mediation within participants."""

    PARAMETERS = {
        "a": "Path from x to m, a",
        "b": "Path from m to y, b",
        "cp": "Direct effect, cp",
        "indirect": "Indirect effect",
        "total": "Total effect",
        "d_m": "Intercept of m, d_m",
        "d_y": "Intercept of y, d_y",
        **{f"sigma_p[{k}]": f"SD of {VARYING[k - 1]}, sigma_p[{k}]" for k in INDICES},
        **{
            f"Omega[{k},{q}]": f"Correlation of {VARYING[k - 1]} and {VARYING[q - 1]}"
            for k, q in PAIRS
        },
        "sigma_m": "Residual SD of m, sigma_m",
        "sigma_y": "Residual SD of y, sigma_y",
    }
    MODELS = {
        "noncentered": Model(
            *("mediation/noncentered.stan", "Non-centred", "partial", tuple(PARAMETERS), JOINT),
            "varying paths and intercepts, sampled through standard normal deviations.",
            seconds=(0.8, 0.0045),
        )
    }
    COLUMNS = {"participant": "integer", "x": "real", "m": "real", "y": "real"}
    Truth, Prior, ObservedColumns = Truth, Prior, ObservedColumns

    JOINT = JOINT
    POSITIVE = (*SDS, *RESIDUALS)
    CORRELATIONS = tuple(f"Omega[{k},{q}]" for k, q in PAIRS)
    COEFFICIENTS = {f"beta_p[,{k}]": f"Participants' {VARYING[k - 1]}" for k in INDICES}
    AXES = Axes("participant", "x", "y", "Predictor x", "Outcome y")

    # Truths

    def draw_truth(self, prior: Fields, rng: np.random.Generator) -> Fields:
        """Draw every parameter from the prior."""
        omega = draw_correlation(SIZE, _lkj(prior).arguments[0], rng)
        return Truth(
            **{name: prior.bounded(name).draw(rng) for name in (*VARYING, *RESIDUALS)},
            sigma_p=tuple(prior.bounded(name).draw(rng) for name in SDS),
            Omega=correlations.shrunken(omega).tolist(),
        )

    def prior_sd(self, prior: Fields, model: str) -> Values:
        """Return the known prior standard deviations.

        The indirect effect is a sum of two uncorrelated products of independent factors. Others
        have none: constants, flat priors, and those with too heavy tails.
        """
        moments = {name: prior.bounded(name).moments() for name in PROGRAM}
        known = {name: sd for name, (_, sd) in moments.items()}
        known |= dict.fromkeys(OMEGA, _lkj(prior).correlation_sd(SIZE))
        (a, sd_a), (b, sd_b) = moments["a"], moments["b"]
        size_a, size_b = (math.hypot(*moments[name]) for name in SDS[:2])  # root mean squares
        covariance = size_a * size_b * known[OMEGA[0]]
        known["indirect"] = math.hypot(a * sd_b, b * sd_a, sd_a * sd_b, covariance)
        known["total"] = math.hypot(known["indirect"], known["cp"])
        return {name: known[name] for name in self.PARAMETERS if 0 < known[name] < math.inf}

    def determines_truth(self, model: str) -> bool:
        """Whether a model estimates every parameter that a Truth needs."""
        return True

    def truth_from_estimates(self, means: Values) -> Fields:
        """Return the Truth with the posterior means of a fit, which imply an indirect effect."""
        omega = np.eye(SIZE)
        for k, q in PAIRS:
            omega[k - 1, q - 1] = omega[q - 1, k - 1] = means[f"Omega[{k},{q}]"]
        return Truth(
            **{name: means[name] for name in (*VARYING, *RESIDUALS)},
            sigma_p=tuple(means[f"sigma_p[{k}]"] for k in INDICES),
            Omega=correlations.shrunken(omega).tolist(),
        )

    def values_of(self, truth: Fields) -> Values:
        """Return the values of all population parameters in a Truth."""
        values = {name: getattr(truth, name) for name in (*VARYING, *RESIDUALS)}
        values |= {f"sigma_p[{k}]": truth.sigma_p[k - 1] for k in INDICES}
        omega = truth.correlations
        values |= {f"Omega[{k},{q}]": float(omega[k - 1, q - 1]) for k, q in PAIRS}
        return values | effects(values)

    def simulate(
        self,
        truth: Fields,
        participants: int,
        observations: int | Columns,
        rng: np.random.Generator,
        sizes: Mapping[str, int] = NO_SIZES,
    ) -> tuple[Columns, Values]:
        """Simulate one dataset; return it with all true values, participants' coefficients too.

        x is standard normal, or that of an observed dataset.
        """
        scale = np.array(truth.sigma_p)[:, None] * np.linalg.cholesky(truth.correlations)
        mean = np.array([getattr(truth, name) for name in VARYING])
        beta_p = mean + rng.normal(size=(participants, SIZE)) @ scale.T
        if isinstance(observations, int):
            participant = np.repeat(np.arange(1, participants + 1), observations)
            columns = {"participant": participant, "x": rng.normal(size=participant.size)}
        else:
            columns = observed_data.repeat_participants(["x"], participants, observations)
        a, b, cp, d_m, d_y = beta_p[columns["participant"] - 1].T
        x = columns["x"]
        m = columns["m"] = d_m + a * x + truth.sigma_m * rng.normal(size=x.size)
        columns["y"] = d_y + b * m + cp * x + truth.sigma_y * rng.normal(size=x.size)
        coefficients = {
            f"beta_p[{j + 1},{k + 1}]": beta_p[j, k] for j, k in np.ndindex(beta_p.shape)
        }
        return columns, self.values_of(truth) | coefficients

    def read_observed(self, table: Mapping, columns: Fields, standardize: bool) -> Columns:
        """Return participant, x, m and y from a CSV file; ValueError if the file is wrong."""
        dataset = {"participant": observed_data.groups(table, columns.participant)}
        source = {"x": columns.predictor, "m": columns.mediator, "y": columns.outcome}
        for name, column in source.items():
            dataset[name] = observed_data.numbers(table, column)
            if standardize:
                dataset[name] = observed_data.standardized(dataset[name], column)
        return dataset

    def stan_data(self, columns: Columns, prior: Fields, model: str) -> dict[str, Any]:
        """Return the data of the family's Stan program."""
        return {
            "N": columns["y"].size,
            "J": int(columns["participant"].max()),
            **columns,
            "prior_lkj_eta": _lkj(prior).arguments[0],
            **program_data([prior.bounded(name) for name in PROGRAM]),
        }

    def group_coefficients(self, names: list[str]) -> dict[str, list[str]]:
        """Group the participants' coefficients among `names`: `beta_p[,k]` -> names in order."""
        groups: dict[str, list[str]] = {}
        for name in names:
            if match := _COEFFICIENT.fullmatch(name):
                groups.setdefault(f"beta_p[,{match[1]}]", []).append(name)
        return groups

    def population_of(self, coefficient: str) -> str:
        """Return the population parameter that is the mean of a participants' coefficient."""
        return VARYING[list(self.COEFFICIENTS).index(coefficient)]

    # Expected outcomes and densities

    def _coefficients(self, values: Mapping[str, Any], columns: Columns) -> list[np.ndarray]:
        """Coefficients a, b, cp, d_m, d_y of every row, shape (n_rows,) or (n_rows, n_draws)."""
        people, index = np.unique(columns["participant"], return_inverse=True)
        return [np.array([values[f"beta_p[{j},{k}]"] for j in people])[index] for k in INDICES]

    def expected(self, values: Values, columns: Columns) -> np.ndarray:
        """Return the expected y of every row given x, the line of the total effect.

        If `values` has participants' coefficients, the expectation is conditional on them.
        Otherwise it is the mean over the population.
        """
        if "beta_p[1,1]" in values:
            a, b, cp, d_m, d_y = self._coefficients(values, columns)
            return d_y + b * d_m + (cp + a * b) * columns["x"]
        covariance = values["sigma_p[2]"] * values["sigma_p[4]"] * values["Omega[2,4]"]
        intercept = values["d_y"] + values["b"] * values["d_m"] + covariance
        return intercept + values["total"] * columns["x"]

    def log_likelihood(self, values: Mapping[str, np.ndarray], columns: Columns) -> np.ndarray:
        """Return the log density of m and y of every observation given participants' paths."""
        a, b, cp, d_m, d_y = self._coefficients(values, columns)
        x, m, y = (columns[name][:, None] for name in ("x", "m", "y"))
        squares = ((m - d_m - a * x) / values["sigma_m"]) ** 2
        squares += ((y - d_y - b * m - cp * x) / values["sigma_y"]) ** 2
        scales = np.log(values["sigma_m"]) + np.log(values["sigma_y"])
        return -np.log(2 * np.pi) - scales - 0.5 * squares

    def marginal_log_likelihood(
        self, model: str, prior: Fields, values: Mapping[str, np.ndarray], columns: Columns
    ) -> np.ndarray:
        """Return the log density of m and y of every participant with paths integrated out."""
        densities = []
        for person in np.unique(columns["participant"]):
            rows = columns["participant"] == person
            x, m, y = (columns[name][rows] for name in ("x", "m", "y"))
            densities.append(path_likelihood.log_density(values, x, m, y))
        return np.array(densities)

    def line_grid(self, columns: Columns) -> Columns:
        """Return the rows at which figures draw the expected line of every participant."""
        people = np.unique(columns["participant"])
        ends = [columns["x"].min(), columns["x"].max()]
        return {"participant": np.repeat(people, 2), "x": np.tile(ends, people.size)}


def _lkj(prior: NamedPriors) -> LKJ:
    """Return the prior of the correlation matrix."""
    found = prior.of(OMEGA[0])
    assert isinstance(found, LKJ)
    return found


def family(options: NoOptions) -> Mediation:
    """Return the family, which has no options."""
    return Mediation()
