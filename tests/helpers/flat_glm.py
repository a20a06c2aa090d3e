"""Data of the generalised linear model that CmdStan 2.30 executables of a wheel have."""

FLAT_GLM = {
    "K": 1,
    "X_dense": 1,
    "X_nz": 0,
    "X_data": [],
    "X_idxs": [],
    "X_indptr": [],
    "family": 0,  # normal
    "link": 0,  # identity
    "fit_intercept": 1,
    "predictor": 0,
    "prior_intercept_dist": 0,  # normal
    "prior_intercept_mu": 0,
    "prior_intercept_sigma": 1,
    "prior_slope_dist": 0,  # normal
    "prior_slope_mu": [0],
    "prior_slope_sigma": [1],
    "prior_aux_dist": 0,  # exponential
    "num_prior_aux_params": 1,
    "prior_aux_params": [1],
}
