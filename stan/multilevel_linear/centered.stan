/**
 * Varying intercepts and slopes, centred:
 *   y_i ~ normal(X_i beta_p[j(i)], sigma)
 *   beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
 *
 * Samples well if participants have many observations. With few, the
 * posterior is a funnel and transitions diverge. Betancourt & Girolami (2015),
 * Hamiltonian Monte Carlo for Hierarchical Models.
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
  matrix[J, Q] beta_p;
  real<lower=0> sigma;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  sigma ~ exponential(prior_sigma_rate);
  beta_p ~ rows_multi_normal_cholesky(beta[varying],
                                      diag_pre_multiply(sigma_p, L_p));
  y ~ normal(linear_predictor(Z, beta_p, participant, W, beta[fixed]), sigma);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
