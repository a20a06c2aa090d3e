/**
 * One line for everybody, counts:
 *   y_i ~ poisson(exposure_i exp(X_i beta))
 *
 * It ignores that observations of a participant belong together: when
 * participants differ, its intervals are too narrow, and its intercept is
 * higher by half the variance of theirs, the log of the population's average
 * rate. Zeger, Liang & Albert (1988), doi:10.2307/2531734.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  matrix[N, K] X; // predictors; the first column is 1
  array[N] int<lower=0> y; // outcome
  vector<lower=0>[N] exposure; // what a count is proportional to; 1 if nothing
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
}
transformed data {
  vector[N] log_exposure = log(exposure);
}
parameters {
  vector[K] beta;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  y ~ poisson_log_glm(X, log_exposure, beta);
}
