/**
 * The same coefficients for all groups, a normal outcome:
 *   y_i ~ normal(eta_i, sigma), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
  real<lower=0> prior_sigma_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> sigma; // residual standard deviation
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  sigma ~ exponential(prior_sigma_rate);
  y ~ normal_id_glm(X, offsets, b, sigma);
}
