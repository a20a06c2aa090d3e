/**
 * Random-effects meta-analysis, centred:
 *   y_j ~ normal(theta[j], se_j)
 *   theta[j] ~ normal(mu + X_j b, tau)
 *   tau ~ student_t(prior_tau_df, 0, prior_tau_scale), tau > 0
 *
 * Samples well if standard errors are small relative to tau. If tau may be
 * near 0, the posterior is a funnel and transitions diverge. Betancourt &
 * Girolami (2015), Hamiltonian Monte Carlo for Hierarchical Models.
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
  vector[J] theta;
}
model {
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  b ~ normal(prior_b_mean, prior_b_sd);
  tau ~ student_t(prior_tau_df, 0, prior_tau_scale);
  theta ~ normal(mu + X * b, tau);
  y ~ normal(theta, se);
}
