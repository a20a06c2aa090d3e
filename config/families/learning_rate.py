"""Learning from reward on a two-armed bandit: a delta rule with softmax choice.

Participant j values arm c at Q_c, chooses arm 2 with probability
inv_logit(tau[j] (Q_2 - Q_1)), sees a reward r of 0 or 1, and learns from it:
Q_c <- Q_c + alpha[j] (r - Q_c). Sutton & Barto (2018), Reinforcement Learning,
sections 2.4 and 2.8; Daw (2011), Trial-by-trial data analysis using computational models.
"""

import numpy as np
from scipy.special import expit

from recovery.families.own import Frozen, Model, NonNegative, Positive, Real

REWARD = (0.3, 0.7)  # chance of a reward from either arm

MODELS = {"hierarchical": Model("learning_rate.stan", label="Hierarchical")}

# What is scored, with its shape; what every participant has of their own.
PARAMETERS = {"mu": (2,), "sigma": (2,)}
PARTICIPANTS = {"alpha": (), "tau": ()}
POSITIVE = ("sigma",)
LABELS = {
    "mu[1]": "Mean learning rate (logit), mu[1]",
    "mu[2]": "Mean inverse temperature (log), mu[2]",
    "sigma[1]": "SD of learning rates (logit), sigma[1]",
    "sigma[2]": "SD of inverse temperatures (log), sigma[2]",
    "alpha": "Participants' learning rates",
    "tau": "Participants' inverse temperatures",
}

# The columns of a dataset, a row a trial, and the one that priors are asked about.
COLUMNS = {"participant": "integer", "trial": "integer", "choice": "integer", "reward": "integer"}
OUTCOME = "choice"


class Truth(Frozen):
    """Means and standard deviations of participants' learning rates and temperatures."""

    mu: tuple[Real, Real]
    sigma: tuple[NonNegative, NonNegative]


class Prior(Frozen):
    """mu ~ normal(mu_mean, mu_sd), sigma ~ exponential(sigma_rate)."""

    mu_mean: tuple[Real, Real]
    mu_sd: tuple[Positive, Positive]
    sigma_rate: Positive


def draw_truth(prior, rng):
    return Truth(
        mu=tuple(rng.normal(prior.mu_mean, prior.mu_sd)),
        sigma=tuple(rng.exponential(1 / prior.sigma_rate, size=2)),
    )


def simulate(truth, participants, observations, rng):
    z = rng.normal(size=(2, participants))
    alpha = expit(truth.mu[0] + truth.sigma[0] * z[0])
    tau = np.exp(truth.mu[1] + truth.sigma[1] * z[1])
    everyone, value = np.arange(participants), np.zeros((participants, 2))
    choice = np.zeros((observations, participants), dtype=int)
    reward = np.zeros((observations, participants), dtype=int)
    for t in range(observations):
        chance = expit(tau * (value[:, 1] - value[:, 0]))
        choice[t] = rng.random(participants) < chance
        reward[t] = rng.random(participants) < np.array(REWARD)[choice[t]]
        value[everyone, choice[t]] += alpha * (reward[t] - value[everyone, choice[t]])
    data = {
        "participant": np.tile(everyone + 1, observations),
        "trial": np.repeat(np.arange(1, observations + 1), participants),
        "choice": choice.ravel(),
        "reward": reward.ravel(),
    }
    return data, {"alpha": alpha, "tau": tau}


def stan_data(observations, prior):
    participants, trials = observations["participant"].max(), observations["trial"].max()
    return {
        "J": participants,
        "T": trials,
        "choice": observations["choice"].reshape(trials, participants),
        "reward": observations["reward"].reshape(trials, participants),
        "prior_mu_mean": prior.mu_mean,
        "prior_mu_sd": prior.mu_sd,
        "prior_sigma_rate": prior.sigma_rate,
    }
