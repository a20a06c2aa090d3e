/**
 * Means of participants, non-centred:
 *   y_i ~ normal(theta[j(i)], sigma), theta[j] ~ normal(mu, tau)
 */
data {
  int<lower=1> N; // observations
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  vector[N] y;
  real prior_mu_mean;
  real<lower=0> prior_mu_sd;
  real<lower=0> prior_tau_rate;
  real<lower=0> prior_sigma_rate;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[J] z;
  real<lower=0> sigma;
}
transformed parameters {
  vector[J] theta = mu + tau * z;
}
model {
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  tau ~ exponential(prior_tau_rate);
  z ~ std_normal();
  sigma ~ exponential(prior_sigma_rate);
  y ~ normal(theta[participant], sigma);
}
