/**
 * The same coefficients for all groups, successes of trials:
 *   y_i ~ binomial(trials_i, inv_logit(eta_i)), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  array[N] int<lower=0> trials;
  array[N] int<lower=0> y; // successes
}
parameters {
  vector[K] b; // population coefficients
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  y ~ binomial_logit(trials, offsets + X * b);
}
