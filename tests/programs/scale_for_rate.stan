/**
 * Wrong on purpose: pooled.stan with the rate of sigma's prior taken for a
 * scale.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  real<lower=0> prior_sigma_rate;
}
parameters {
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma ~ exponential(1 / prior_sigma_rate);
  y ~ normal_id_glm(X, 0, beta, sigma);
}
