/**
 * The same coefficients for all groups, overdispersed counts:
 *   y_i ~ neg_binomial_2(exp(eta_i), shape), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  array[N] int<lower=0> y; // outcome
  real<lower=0> prior_shape_shape;
  real<lower=0> prior_shape_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> shape; // the variance is mu + mu^2 / shape
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  shape ~ gamma(prior_shape_shape, prior_shape_rate);
  y ~ neg_binomial_2_log_glm(X, offsets, b, shape);
}
