/**
 * The same coefficients for all groups, a positive outcome (gamma):
 *   y_i ~ gamma(shape, shape / exp(eta_i)), eta_i = X_i b
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
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include multilevel/coefficients.stan

  real shape = named[n_parameters]; // the mean / SD is sqrt(shape)
}
model {
  #include priors/densities.stan

  y ~ gamma(shape, shape * exp(-(offsets + X * b)));
}
