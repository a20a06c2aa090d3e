/**
 * The same coefficients for all groups, proportions:
 *   y_i ~ beta_proportion(inv_logit(eta_i), phi), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  vector<lower=0, upper=1>[N] y; // outcome
  real<lower=0> prior_phi_shape;
  real<lower=0> prior_phi_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> phi; // precision: the variance is mu (1 - mu) / (1 + phi)
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  phi ~ gamma(prior_phi_shape, prior_phi_rate);
  y ~ beta_proportion(inv_logit(offsets + X * b), phi);
}
