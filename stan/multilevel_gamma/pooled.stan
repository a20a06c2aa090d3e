/**
 * The same coefficients for all groups, a positive outcome (gamma):
 *   y_i ~ gamma(shape, shape / exp(eta_i)), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  vector<lower=0>[N] y; // outcome
  real<lower=0> prior_shape_shape;
  real<lower=0> prior_shape_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> shape; // the coefficient of variation is 1 / sqrt(shape)
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  shape ~ gamma(prior_shape_shape, prior_shape_rate);
  y ~ gamma(shape, shape * exp(-(offsets + X * b)));
}
