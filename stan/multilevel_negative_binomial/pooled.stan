/**
 * The same coefficients for all groups, overdispersed counts:
 *   y_i ~ neg_binomial_2(exp(eta_i), shape), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
functions {
  #include functions/named_prior.stan
  #include functions/negative_binomial.stan
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

  real shape = named[n_parameters]; // the variance is mu + mu^2 / shape
}
model {
  #include priors/densities.stan

  y ~ counts(X, offsets, b, shape);
}
