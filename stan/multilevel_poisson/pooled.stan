/**
 * The same coefficients for all groups, counts:
 *   y_i ~ poisson(exp(eta_i)), eta_i = X_i b
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

  array[N] int<lower=0> y; // outcome
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

  y ~ poisson_log_glm(X, offsets, b);
}
