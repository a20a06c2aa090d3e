/**
 * The same coefficients for all groups, ordered categories:
 *   y_i ~ ordered_logistic(eta_i, c), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  int<lower=3> C; // categories
  array[N] int<lower=1, upper=C> y; // outcome
  real prior_c_mean;
  real<lower=0> prior_c_sd;
}
parameters {
  vector[K] b; // population coefficients
  ordered[C - 1] c; // thresholds, which replace an intercept
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  c ~ normal(prior_c_mean, prior_c_sd);
  y ~ ordered_logistic(offsets + X * b, c);
}
