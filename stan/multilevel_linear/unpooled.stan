/**
 * A separate line for every participant:
 *   y_i ~ normal(X_i beta_p[j(i)], sigma)
 *   beta_p[j, k] ~ normal(prior_beta_mean[k], prior_beta_sd[k])
 *
 * beta is the mean of the lines of the observed participants. Its intervals
 * ignore that other participants might have been observed, so their coverage
 * of the population's beta is too low. Gelman & Hill (2007), section 12.2.
 */
functions {
  #include functions/multilevel.stan
}
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  real<lower=0> prior_sigma_rate;
}
parameters {
  matrix[J, K] beta_p;
  real<lower=0> sigma;
}
model {
  to_vector(beta_p) ~ normal(to_vector(rep_matrix(prior_beta_mean', J)),
                             to_vector(rep_matrix(prior_beta_sd', J)));
  sigma ~ exponential(prior_sigma_rate);
  y ~ normal(varying_lines(X, beta_p, participant), sigma);
}
generated quantities {
  vector[K] beta = (rep_row_vector(1.0 / J, J) * beta_p)';
}
