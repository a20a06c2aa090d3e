/**
 * One line for all participants, residuals with heavy tails:
 *   y_i ~ student_t(nu, X_i beta, sigma)
 *
 * It treats the observations of a participant as independent, so its intervals
 * for beta are too narrow if participants differ. Gelman & Hill (2007), Data
 * Analysis Using Regression and Multilevel Models, section 12.2.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_nu_shape;
  real<lower=0> prior_nu_rate;
}
parameters {
  vector[K] beta;
  real<lower=0> sigma; // scale of the residuals
  real<lower=1> nu; // their degrees of freedom
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma ~ exponential(prior_sigma_rate);
  nu ~ gamma(prior_nu_shape, prior_nu_rate);
  y ~ student_t(nu, X * beta, sigma);
}
