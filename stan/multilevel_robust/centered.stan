/**
 * Varying intercepts and slopes, residuals with heavy tails, centred:
 *   y_i ~ student_t(nu, X_i beta_p[j(i)], sigma)
 *   beta_p[j] ~ multi_normal(beta, quad_form_diag(Omega, sigma_p))
 *
 * The prior of nu is truncated to nu > 1, because residuals have no mean
 * otherwise. Juarez & Steel (2010), doi:10.1198/jbes.2009.07145, recommend
 * nu ~ gamma(2, 0.1).
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

  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_nu_shape;
  real<lower=0> prior_nu_rate;
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
  real<lower=0> sigma; // scale of the residuals
  real<lower=1> nu; // their degrees of freedom
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  beta_p ~ rows_multi_normal_cholesky(beta[varying],
                                      diag_pre_multiply(sigma_p, L_p));
  sigma ~ exponential(prior_sigma_rate);
  nu ~ gamma(prior_nu_shape, prior_nu_rate);
  y ~ student_t(nu, linear_predictor(Z, beta_p, participant, W, beta[fixed]),
                sigma);
}
generated quantities {
  matrix[Q, Q] Omega = multiply_lower_tri_self_transpose(L_p);
}
