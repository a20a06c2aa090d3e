"""NAME: describe the model here, with its formula and its source.

Participant j has the mean theta[j] ~ normal(mu, tau), and every observation of
participant j is y ~ normal(theta[j], sigma). docs/reference/families/own.md describes
each part of this file.
"""

import numpy as np

from recovery.families.own import Frozen, Model, NonNegative, Positive, Real

MODELS = {"hierarchical": Model("NAME.stan")}

# Scored parameters, and parameters of each participant: name -> shape, () a number, (2,) a vector.
PARAMETERS = {"mu": (), "tau": (), "sigma": ()}
PARTICIPANTS = {"theta": ()}
POSITIVE = ("tau", "sigma")
MEANS = {"theta": "mu"}
LABELS = {"mu": "Mean, mu", "tau": "SD of participants, tau", "sigma": "Residual SD, sigma"}

# The columns of a dataset, which has one row per observation, and the column of the outcome.
COLUMNS = {"participant": "integer", "y": "real"}
OUTCOME = "y"


class Truth(Frozen):
    """Values from which data are generated: a truth in the study file."""

    mu: Real
    tau: NonNegative
    sigma: Positive


class Prior(Frozen):
    """mu ~ normal(mu_mean, mu_sd), tau ~ exponential(tau_rate), sigma ~ exponential(sigma_rate)."""

    mu_mean: Real
    mu_sd: Positive
    tau_rate: Positive
    sigma_rate: Positive


def draw_truth(prior, rng):
    return Truth(
        mu=rng.normal(prior.mu_mean, prior.mu_sd),
        tau=rng.exponential(1 / prior.tau_rate),
        sigma=rng.exponential(1 / prior.sigma_rate),
    )


def simulate(truth, participants, observations, rng):
    theta = truth.mu + truth.tau * rng.normal(size=participants)
    participant = np.repeat(np.arange(1, participants + 1), observations)
    y = theta[participant - 1] + truth.sigma * rng.normal(size=participant.size)
    return {"participant": participant, "y": y}, {"theta": theta}


def stan_data(observations, prior):
    return {
        "N": observations["y"].size,
        "J": observations["participant"].max(),
        "participant": observations["participant"],
        "y": observations["y"],
        "prior_mu_mean": prior.mu_mean,
        "prior_mu_sd": prior.mu_sd,
        "prior_tau_rate": prior.tau_rate,
        "prior_sigma_rate": prior.sigma_rate,
    }
