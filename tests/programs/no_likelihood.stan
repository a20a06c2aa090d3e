/**
 * Wrong on purpose: noncentered.stan without its likelihood, so that the
 * posterior is the prior.
 */
data {
  int<lower=1> N; // observations
  int<lower=1> K; // coefficients
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  vector<lower=0>[K] prior_sigma_p_rate;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_lkj_eta;
}
parameters {
  vector[K] beta;
  vector<lower=0>[K] sigma_p; // participant standard deviations
  cholesky_factor_corr[K] L_p; // Omega = L_p L_p'
  matrix[K, J] z_p;
  real<lower=0> sigma;
}
transformed parameters {
  matrix[J, K] beta_p = rep_matrix(beta', J)
                        + (diag_pre_multiply(sigma_p, L_p) * z_p)';
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  to_vector(z_p) ~ std_normal();
  sigma ~ exponential(prior_sigma_rate);
}
generated quantities {
  matrix[K, K] Omega = multiply_lower_tri_self_transpose(L_p);
}
