/**
 * The same coefficients for all groups, proportions:
 *   y_i ~ beta_proportion(inv_logit(eta_i), phi), eta_i = X_i b
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

  vector<lower=0, upper=1>[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include multilevel/coefficients.stan

  real phi = named[n_parameters]; // the variance is mu (1 - mu) / (1 + phi)
}
model {
  #include priors/densities.stan

  y ~ beta_proportion(inv_logit(offsets + X * b), phi);
}
