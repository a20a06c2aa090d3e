/**
 * Random-effects meta-analysis, centred:
 *   y_j ~ normal(theta[j], se_j)
 *   theta[j] ~ normal(mu + X_j b, tau)
 *
 * Samples well if standard errors are small relative to tau. If tau may be
 * near 0, the posterior is a funnel and transitions diverge. Betancourt &
 * Girolami (2015), Hamiltonian Monte Carlo for Hierarchical Models.
 */
functions {
  #include functions/named_prior.stan
}
data {
  int<lower=1> J; // studies
  vector[J] y; // estimated effects
  vector<lower=0>[J] se; // their standard errors
  int<lower=0> K; // moderators' coefficients
  matrix[J, K] X;
  #include priors/data.stan
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan

  vector[J] theta;
}
transformed parameters {
  #include priors/named.stan

  real mu = named[1]; // mean of the studies' effects where moderators are 0
  vector[K] b = named[2 : (K + 1)]; // moderators' coefficients
  real tau = named[K + 2]; // their standard deviation
}
model {
  #include priors/densities.stan

  theta ~ normal(mu + X * b, tau);
  y ~ normal(theta, se);
}
