/**
 * Mediation within participants, x to m to y, all paths varying; non-centred:
 *   m_i ~ normal(d_m[j(i)] + a[j(i)] x_i, sigma_m)
 *   y_i ~ normal(d_y[j(i)] + b[j(i)] m_i + cp[j(i)] x_i, sigma_y)
 *   (a, b, cp, d_m, d_y)[j] ~ multi_normal(population, Sigma)
 *   Sigma = quad_form_diag(Omega, sigma_p)
 *
 * indirect is the mean of a[j] b[j] over the population, which is a b only if
 * paths are uncorrelated. Bauer, Preacher & Gil (2006),
 * doi:10.1037/1082-989X.11.2.142; Vuorre & Bolger (2018),
 * doi:10.3758/s13428-017-0980-9.
 */
functions {
  #include functions/varying_lines.stan
}
data {
  int<lower=1> N; // observations
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  vector[N] x; // predictor
  vector[N] m; // mediator
  vector[N] y; // outcome
  vector[3] prior_path_mean; // a, b, cp
  vector<lower=0>[3] prior_path_sd;
  vector[2] prior_intercept_mean; // d_m, d_y
  vector<lower=0>[2] prior_intercept_sd;
  vector<lower=0>[5] prior_sigma_p_rate;
  vector<lower=0>[2] prior_sigma_rate; // sigma_m, sigma_y
  real<lower=0> prior_lkj_eta;
}
transformed data {
  matrix[N, 2] X_m = append_col(x, ones_vector(N));
  matrix[N, 3] X_y = append_col(m, X_m);
}
parameters {
  real a; // x to m
  real b; // m to y, given x
  real cp; // x to y, given m: the direct effect
  real d_m; // intercepts
  real d_y;
  vector<lower=0>[5] sigma_p; // participant standard deviations
  cholesky_factor_corr[5] L_p; // Omega = L_p L_p'
  matrix[5, J] z_p;
  real<lower=0> sigma_m; // residual standard deviations
  real<lower=0> sigma_y;
}
transformed parameters {
  matrix[J, 5] beta_p = rep_matrix([a, b, cp, d_m, d_y], J)
                        + (diag_pre_multiply(sigma_p, L_p) * z_p)';
}
model {
  [a, b, cp]' ~ normal(prior_path_mean, prior_path_sd);
  [d_m, d_y]' ~ normal(prior_intercept_mean, prior_intercept_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  to_vector(z_p) ~ std_normal();
  [sigma_m, sigma_y]' ~ exponential(prior_sigma_rate);
  m ~ normal(varying_lines(X_m, beta_p[ : , {1, 4}], participant), sigma_m);
  y ~ normal(varying_lines(X_y, beta_p[ : , {2, 3, 5}], participant),
             sigma_y);
}
generated quantities {
  matrix[5, 5] Omega = multiply_lower_tri_self_transpose(L_p);
  real indirect = a * b + sigma_p[1] * sigma_p[2] * Omega[1, 2];
  real total = indirect + cp;
}
