/**
 * Varying intercepts and slopes of a binary outcome, non-centred; the
 * model of centered.stan:
 *   y_i ~ bernoulli(inv_logit(X_i beta_p[j(i)]))
 *   beta_p[j] = beta + diag_pre_multiply(sigma_p, L_p) z_p[j]
 *   z_p[j, k] ~ std_normal()
 *
 * Samples well if participants have little data. Papaspiliopoulos, Roberts &
 * Skold (2007), A General Framework for the Parametrization of Hierarchical
 * Models, doi:10.1214/088342307000000014.
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
  matrix[Q, J] z_p;
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
  y ~ bernoulli_logit_glm(W, varying_lines(Z, beta_p, participant),
                          beta[fixed]);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
