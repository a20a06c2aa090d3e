/**
 * Common-effect meta-analysis: all studies estimate one effect.
 *   y_j ~ normal(mu, se_j)
 *
 * The model of marginal.stan with tau = 0, so its interval for mu is too narrow
 * if studies differ. Borenstein, Hedges, Higgins & Rothstein (2010),
 * doi:10.1002/jrsm.12.
 */
data {
  int<lower=1> J; // studies
  vector[J] y; // estimated effects
  vector<lower=0>[J] se; // their standard errors
  real prior_mu_mean;
  real<lower=0> prior_mu_sd;
}
parameters {
  real mu;
}
model {
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  y ~ normal(mu, se);
}
