/**
 * The same coefficients for all groups, a lognormal outcome:
 *   y_i ~ lognormal(eta_i, sigma), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
functions {
  #include functions/named_prior.stan
}
data {
  #include multilevel/data.stan

  vector<lower=0>[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan

  vector[N] log_y = log(y);
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters]; // residual standard deviation of log(y)
}
model {
  #include priors/densities.stan

  target += normal_id_glm_lupdf(log_y | X, offsets, b, sigma) - sum(log_y);
}
