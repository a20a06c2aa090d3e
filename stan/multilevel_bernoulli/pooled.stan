/**
 * One line for all participants, binary outcome:
 *   y_i ~ bernoulli(inv_logit(X_i beta))
 *
 * It treats the observations of a participant as independent. If participants
 * differ, its intervals are too narrow, and its beta is the effect on the
 * population's average, which is closer to 0 than the effect on a participant.
 * Zeger, Liang & Albert (1988), doi:10.2307/2531734.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  matrix[N, K] X; // predictors; the first column is 1
  array[N] int<lower=0, upper=1> y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
}
parameters {
  vector[K] beta;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  y ~ bernoulli_logit_glm(X, 0, beta);
}
