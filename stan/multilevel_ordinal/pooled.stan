/**
 * The same coefficients for all groups, ordered categories:
 *   y_i ~ ordered_logistic(eta_i, c), eta_i = X_i b
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

  int<lower=3> C; // categories
  array[N] int<lower=1, upper=C> y; // outcome
  vector[K] c_X_mean; // means of X at which the prior of thresholds is
  int<lower=0> c_distribution;
  row_vector[3] c_arguments;
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan

  ordered[C - 1] c_at_means; // thresholds where X has its means
}
transformed parameters {
  #include multilevel/coefficients.stan

  vector[C - 1] c = c_at_means + dot_product(c_X_mean, b); // thresholds
}
model {
  #include priors/densities.stan

  for (k in 1 : (C - 1)) {
    c_at_means[k] ~ named_prior(c_distribution, c_arguments);
  }
  target += lgamma(C); // sorted draws
  y ~ ordered_logistic(offsets + X * b, c);
}
