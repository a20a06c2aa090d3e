/**
 * Random-effects meta-analysis, non-centred; the model of centered.stan:
 *   y_j ~ normal(theta[j], se_j)
 *   theta[j] = mu + X_j b + tau z[j], z[j] ~ std_normal()
 *
 * Samples well if standard errors are large relative to tau. Papaspiliopoulos,
 * Roberts & Skold (2007), A General Framework for the Parametrization of
 * Hierarchical Models, doi:10.1214/088342307000000014.
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

  vector[J] z;
}
transformed parameters {
  #include priors/named.stan

  real mu = named[1]; // mean of the studies' effects where moderators are 0
  vector[K] b = named[2 : (K + 1)]; // moderators' coefficients
  real tau = named[K + 2]; // their standard deviation
  vector[J] theta = mu + X * b + tau * z;
}
model {
  #include priors/densities.stan

  z ~ std_normal();
  y ~ normal(theta, se);
}
