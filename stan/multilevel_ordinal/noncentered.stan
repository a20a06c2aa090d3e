/**
 * Varying intercepts and slopes of ordered categories, non-centred:
 *   y_i ~ ordered_logistic(X_i beta_p[j(i)], c)
 *   beta_p[j] = beta + diag_pre_multiply(sigma_p, L_p) z_p[j], beta[1] = 0
 *   z_p[j, k] ~ std_normal()
 *
 * The thresholds c replace a population intercept; participants' intercepts
 * vary around 0. With a normal prior, ordered thresholds have the distribution
 * of a sorted normal sample. McCullagh (1980), Regression Models for Ordinal
 * Data, doi:10.1111/j.2517-6161.1980.tb01109.x.
 */
functions {
  #include functions/multilevel.stan
}
data {
  #include multilevel/data.stan

  int<lower=3> C; // categories
  array[N] int<lower=1, upper=C> y; // outcome
  vector[K - 1] prior_beta_mean;
  vector<lower=0>[K - 1] prior_beta_sd;
  real prior_c_mean;
  real<lower=0> prior_c_sd;
}
transformed data {
  matrix[N, Q] Z = X[ : , varying];
  matrix[N, K - Q] W = X[ : , fixed];
}
parameters {
  vector[K - 1] slopes;
  vector<lower=0>[Q] sigma_p; // participant standard deviations
  cholesky_factor_corr[Q] L_p; // Omega = L_p L_p'
  matrix[Q, J] z_p;
  ordered[C - 1] c; // thresholds
}
transformed parameters {
  vector[K] beta = append_row(0, slopes);
  matrix[J, Q] beta_p = rep_matrix(beta[varying]', J)
                        + (diag_pre_multiply(sigma_p, L_p) * z_p)';
}
model {
  slopes ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  to_vector(z_p) ~ std_normal();
  c ~ normal(prior_c_mean, prior_c_sd);
  y ~ ordered_logistic(linear_predictor(Z, beta_p, participant, W,
                                        beta[fixed]),
                       c);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
