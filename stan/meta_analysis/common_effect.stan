/**
 * Common-effect meta-analysis: all studies estimate one effect.
 *   y_j ~ normal(mu + X_j b, se_j)
 *
 * The model of marginal.stan with tau = 0, so its interval for mu is too narrow
 * if studies differ. Borenstein, Hedges, Higgins & Rothstein (2010),
 * doi:10.1002/jrsm.12.
 */
data {
  int<lower=1> J; // studies
  vector[J] y; // estimated effects
  vector<lower=0>[J] se; // their standard errors
  int<lower=0> K; // moderators' coefficients
  matrix[J, K] X;
  real prior_mu_mean;
  real<lower=0> prior_mu_sd;
  real prior_b_mean;
  real<lower=0> prior_b_sd;
}
parameters {
  real mu;
  vector[K] b; // moderators' coefficients
}
model {
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  b ~ normal(prior_b_mean, prior_b_sd);
  y ~ normal(mu + X * b, se);
}
