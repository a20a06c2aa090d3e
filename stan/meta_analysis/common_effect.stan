/**
 * Common-effect meta-analysis: all studies estimate one effect.
 *   y_j ~ normal(mu + X_j b, se_j)
 *
 * The model of marginal.stan with tau = 0, so its interval for mu is too narrow
 * if studies differ. Borenstein, Hedges, Higgins & Rothstein (2010),
 * doi:10.1002/jrsm.12.
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
}
transformed parameters {
  #include priors/named.stan

  real mu = named[1]; // the effect where moderators are 0
  vector[K] b = named[2 : (K + 1)]; // moderators' coefficients
}
model {
  #include priors/densities.stan

  y ~ normal(mu + X * b, se);
}
