/**
 * The same coefficients for all groups, counts:
 *   y_i ~ poisson(exp(eta_i)), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  array[N] int<lower=0> y; // outcome
}
parameters {
  vector[K] b; // population coefficients
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  y ~ poisson_log_glm(X, offsets, b);
}
