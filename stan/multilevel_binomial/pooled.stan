/**
 * The same coefficients for all groups, successes of trials:
 *   y_i ~ binomial(trials_i, inv_logit(eta_i)), eta_i = X_i b
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

  array[N] int<lower=0> trials;
  array[N] int<lower=0> y; // successes
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include multilevel/coefficients.stan
}
model {
  #include priors/densities.stan

  y ~ binomial_logit(trials, offsets + X * b);
}
