/**
 * One line for all participants, counts:
 *   y_i ~ poisson(exposure_i exp(X_i beta))
 *
 * It treats the observations of a participant as independent. If participants
 * differ, its intervals are too narrow, and its intercept is the log of the
 * population's average rate, which is higher by half the variance of the
 * participants' intercepts. Zeger, Liang & Albert (1988), doi:10.2307/2531734.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  matrix[N, K] X; // predictors; the first column is 1
  array[N] int<lower=0> y; // outcome
  vector<lower=0>[N] exposure; // expected counts are proportional to it
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
