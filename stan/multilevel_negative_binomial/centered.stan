/**
 * Coefficients that vary by group, centred, overdispersed counts:
 *   y_i ~ neg_binomial_2(exp(eta_i), shape)
 *   eta_i = offset_i + X_i b + the sum over terms t of Z_t,i r_t[group_t(i)]
 *   r_t[j] ~ multi_normal(0, Sigma_t), with standard deviations sd and
 *   correlations cor
 *
 * Sampled are u = b + r, the groups' own coefficients, where a population
 * coefficient is their mean. Samples well if groups have many observations.
 * With few, the posterior is a funnel and transitions diverge. Betancourt &
 * Girolami (2015), Hamiltonian Monte Carlo for Hierarchical Models.
 */
functions {
  #include functions/named_prior.stan
  #include functions/multilevel.stan

  #include functions/negative_binomial.stan
}
data {
  #include multilevel/data.stan

  array[N] int<lower=0> y; // outcome
}
transformed data {
  #include priors/bounds.stan

  matrix[N, F] W = X[ : , fixed];
}
parameters {
  #include priors/parameters.stan

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
  vector[R] u; // groups' coefficients
}
transformed parameters {
  #include multilevel/coefficients.stan

  real shape = named[n_parameters]; // the variance is mu + mu^2 / shape
}
model {
  vector[M] mu = append_row(b, 0)[centre];
  vector[N] alpha = offsets + group_part(Z, u, place);
  #include multilevel/priors.stan

  u ~ groups_normal(mu, sd, partial, Q, J);
  y ~ counts(W, alpha, b[fixed], shape);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = u - group_means(append_row(b, 0)[centre], Q, J, R);
}
