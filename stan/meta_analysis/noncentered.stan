/**
 * Random-effects meta-analysis, non-centred; the model of centered.stan:
 *   y_j ~ normal(theta[j], se_j)
 *   theta[j] = mu + X_j b + tau z[j], z[j] ~ std_normal()
 *
 * Samples well if standard errors are large relative to tau. Papaspiliopoulos,
 * Roberts & Skold (2007), A General Framework for the Parametrization of
 * Hierarchical Models, doi:10.1214/088342307000000014.
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
  real<lower=0> prior_tau_df;
  real<lower=0> prior_tau_scale;
}
parameters {
  real mu; // mean of the studies' effects where moderators are 0
  vector[K] b; // moderators' coefficients
  real<lower=0> tau; // their standard deviation
  vector[J] z;
}
transformed parameters {
  vector[J] theta = mu + X * b + tau * z;
}
model {
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  b ~ normal(prior_b_mean, prior_b_sd);
  tau ~ student_t(prior_tau_df, 0, prior_tau_scale);
  z ~ std_normal();
  y ~ normal(theta, se);
}
