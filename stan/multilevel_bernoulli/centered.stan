/**
 * Varying intercepts and slopes of a binary outcome, centred:
 *   y_i ~ bernoulli(inv_logit(X_i beta_p[j(i)]))
 *   beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
 *
 * Samples well if participants have much data. With little data, the posterior
 * is a funnel and transitions diverge. Betancourt & Girolami (2015),
 * Hamiltonian Monte Carlo for Hierarchical Models.
 */
functions {
  #include functions/multilevel.stan
}
data {
  #include multilevel/data.stan

  array[N] int<lower=0, upper=1> y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
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
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  beta_p ~ rows_multi_normal_cholesky(beta[varying],
                                      diag_pre_multiply(sigma_p, L_p));
  y ~ bernoulli_logit_glm(W, varying_lines(Z, beta_p, participant),
                          beta[fixed]);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
