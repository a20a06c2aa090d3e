"""Multilevel linear regression: one predictor, varying intercepts and slopes.

y_i ~ normal(beta_p[j(i), 1] + beta_p[j(i), 2] x_i, sigma)
beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
"""

from recovery.families.multilevel_linear.data import (
    expected,
    line_grid,
    participants_of,
    population_of,
    read_observed,
    simulate,
    stan_data,
)
from recovery.families.multilevel_linear.joint import (
    simulate_joint,
    test_quantities,
)
from recovery.families.multilevel_linear.names import (
    AXES,
    COEFFICIENTS,
    COLUMNS,
    JOINT,
    MODELS,
    PARAMETERS,
    POSITIVE,
)
from recovery.families.multilevel_linear.values import (
    Design,
    ObservedColumns,
    Prior,
    Truth,
    determines_truth,
    draw_truth,
    prior_sd,
    truth_from_estimates,
)

__all__ = [
    "AXES",
    "COEFFICIENTS",
    "COLUMNS",
    "JOINT",
    "MODELS",
    "PARAMETERS",
    "POSITIVE",
    "Design",
    "ObservedColumns",
    "Prior",
    "Truth",
    "determines_truth",
    "draw_truth",
    "expected",
    "line_grid",
    "participants_of",
    "population_of",
    "prior_sd",
    "read_observed",
    "simulate",
    "simulate_joint",
    "stan_data",
    "test_quantities",
    "truth_from_estimates",
]
