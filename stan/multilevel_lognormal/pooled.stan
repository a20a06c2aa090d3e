/**
 * The same coefficients for all groups, a lognormal outcome:
 *   y_i ~ lognormal(eta_i, sigma), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  vector<lower=0>[N] y; // outcome
  real<lower=0> prior_sigma_rate;
}
transformed data {
  vector[N] log_y = log(y);
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> sigma; // residual standard deviation of log(y)
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  sigma ~ exponential(prior_sigma_rate);
  target += normal_id_glm_lupdf(log_y | X, offsets, b, sigma) - sum(log_y);
}
