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
  #include functions/named_prior.stan
  #include functions/varying_lines.stan
}
data {
  int<lower=1> N; // observations
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  vector[N] x; // predictor
  vector[N] m; // mediator
  vector[N] y; // outcome
  real<lower=0> prior_lkj_eta; // of Omega
  #include priors/data.stan
}
transformed data {
  #include priors/bounds.stan

  matrix[N, 2] X_m = append_col(x, ones_vector(N));
  matrix[N, 3] X_y = append_col(m, X_m);
}
parameters {
  #include priors/parameters.stan

  cholesky_factor_corr[5] L_p; // Omega = L_p L_p'
  matrix[5, J] z_p;
}
transformed parameters {
  #include priors/named.stan

  real a = named[1]; // x to m
  real b = named[2]; // m to y, given x
  real cp = named[3]; // x to y, given m: the direct effect
  real d_m = named[4]; // intercepts
  real d_y = named[5];
  vector[5] sigma_p = named[6 : 10]; // participant standard deviations
  real sigma_m = named[11]; // residual standard deviations
  real sigma_y = named[12];
  matrix[J, 5] beta_p = rep_matrix(named[1 : 5]', J)
                        + (diag_pre_multiply(sigma_p, L_p) * z_p)';
}
model {
  #include priors/densities.stan

  target += lkj_corr_cholesky_lpdf(L_p | prior_lkj_eta); // with its constant
  to_vector(z_p) ~ std_normal();
  m ~ normal(varying_lines(X_m, beta_p[ : , {1, 4}], participant), sigma_m);
  y ~ normal(varying_lines(X_y, beta_p[ : , {2, 3, 5}], participant),
             sigma_y);
}
generated quantities {
  matrix[5, 5] Omega = multiply_lower_tri_self_transpose(L_p);
  real indirect = a * b + sigma_p[1] * sigma_p[2] * Omega[1, 2];
  real total = indirect + cp;
}
