/**
 * Varying intercepts and slopes, non-centred; the model of centered.stan:
 *   y_i ~ normal(X_i beta_p[j(i)], sigma)
 *   beta_p[j] = beta + diag_pre_multiply(sigma_p, L_p) z_p[j]
 *   z_p[j, k] ~ std_normal()
 *
 * Samples well if participants have few observations. Papaspiliopoulos,
 * Roberts & Skold (2007), A General Framework for the Parametrization of
 * Hierarchical Models, doi:10.1214/088342307000000014.
 */
functions {
  #include functions/multilevel.stan
}
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  int<lower=1, upper=K> Q; // coefficients that vary by participant
  int<lower=1> J; // participants
  array[Q] int<lower=1, upper=K> varying;
  array[K - Q] int<lower=1, upper=K> fixed; // shared by all participants
  array[N] int<lower=1, upper=J> participant;
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  vector<lower=0>[Q] prior_sigma_p_rate;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_lkj_eta;
}
transformed data {
  matrix[N, Q] Z = X[ : , varying];
  matrix[N, K - Q] W = X[ : , fixed];
}
parameters {
  vector[K] beta;
  vector<lower=0>[Q] sigma_p; // participant standard deviations
  cholesky_factor_corr[Q] L_p; // Omega = L_p L_p'
  matrix[Q, J] z_p;
  real<lower=0> sigma;
}
transformed parameters {
  matrix[J, Q] beta_p = rep_matrix(beta[varying]', J)
                        + (diag_pre_multiply(sigma_p, L_p) * z_p)';
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  to_vector(z_p) ~ std_normal();
  sigma ~ exponential(prior_sigma_rate);
  y ~ normal(linear_predictor(Z, beta_p, participant, W, beta[fixed]), sigma);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
