/**
 * Varying intercepts and slopes, centred:
 *   y_i ~ normal(X_i beta_p[j(i)], sigma)
 *   beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
 *
 * Samples well when participants have many observations; with few, the
 * posterior is a funnel and transitions diverge. Betancourt & Girolami (2015),
 * Hamiltonian Monte Carlo for Hierarchical Models.
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
  vector<lower=0>[K] prior_sigma_p_rate;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_lkj_eta;
}
parameters {
  vector[K] beta;
  vector<lower=0>[K] sigma_p; // participant standard deviations
  cholesky_factor_corr[K] L_p; // Omega = L_p L_p'
  matrix[J, K] beta_p;
  real<lower=0> sigma;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  sigma ~ exponential(prior_sigma_rate);
  beta_p ~ rows_multi_normal_cholesky(beta, diag_pre_multiply(sigma_p, L_p));
  y ~ normal(varying_lines(X, beta_p, participant), sigma);
}
generated quantities {
  matrix[K, K] Omega = multiply_lower_tri_self_transpose(L_p);
}
