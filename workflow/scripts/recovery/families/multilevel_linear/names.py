"""Names and labels of parameters, columns and models."""

from __future__ import annotations

from recovery.families.base import Axes, Model

K = 2  # coefficients: intercept and slope

PARAMETERS = {
    "beta[1]": "Intercept, beta[1]",
    "beta[2]": "Slope, beta[2]",
    "sigma_p[1]": "SD of intercepts, sigma_p[1]",
    "sigma_p[2]": "SD of slopes, sigma_p[2]",
    "Omega[1,2]": "Correlation, Omega[1,2]",
    "sigma": "Residual SD, sigma",
}
JOINT = "multilevel"
POSITIVE = ("sigma_p[1]", "sigma_p[2]", "sigma")
COEFFICIENTS = {"beta_p[,1]": "Participants' intercepts", "beta_p[,2]": "Participants' slopes"}
COLUMNS = {"participant": "integer", "x": "real", "y": "real"}
AXES = Axes("participant", "x", "y", x_label="Predictor x", y_label="Outcome y")
MODELS = {
    "pooled": Model(
        "Pooled",
        "complete",
        ("beta[1]", "beta[2]", "sigma"),
        "pooled",
        "one line for everybody. It takes the observations of a participant for independent, so "
        "its intervals for beta are too narrow when participants differ, and its sigma also holds "
        "the differences between participants.",
    ),
    "unpooled": Model(
        "Unpooled",
        "none",
        ("beta[1]", "beta[2]", "sigma"),
        "unpooled",
        "a line of its own for every participant. Its beta is the mean of the lines of the "
        "participants who were observed. Scored against the population's beta it covers too "
        "little: it leaves out that other participants might have been observed.",
    ),
    "centered": Model(
        "Centred",
        "partial",
        tuple(PARAMETERS),
        JOINT,
        "varying intercepts and slopes, sampled as they are. It has trouble when participants "
        "have few observations: divergent transitions, low effective sample sizes.",
    ),
    "noncentered": Model(
        "Non-centred",
        "partial",
        tuple(PARAMETERS),
        JOINT,
        "the same model and the same posterior as centred, sampled through standard normal "
        "deviations.",
    ),
    "marginal": Model(
        "Marginal",
        "partial",
        tuple(PARAMETERS),
        JOINT,
        "the same model and the same posterior as centred and non-centred. Participants' "
        "intercepts and slopes are integrated out, and drawn afterwards from what the data and "
        "each posterior draw say about them.",
    ),
}
