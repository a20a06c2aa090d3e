for (i in 1 : n_free) {
  free[i] ~ named_prior(prior_distribution[i], prior_arguments[i]);
}
target += -prior_log_mass; // distributions are cut at the parameters' bounds
