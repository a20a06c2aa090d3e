/**
 * Coefficients that vary by group, centred, ordered categories:
 *   y_i ~ ordered_logistic(eta_i, c)
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
}
data {
  #include multilevel/data.stan

  int<lower=3> C; // categories
  array[N] int<lower=1, upper=C> y; // outcome
  vector[K] c_X_mean; // means of X at which the prior of thresholds is
  int<lower=0> c_distribution;
  row_vector[3] c_arguments;
}
transformed data {
  #include priors/bounds.stan

  matrix[N, F] W = X[ : , fixed];
}
parameters {
  #include priors/parameters.stan

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
  vector[R] u; // groups' coefficients
  ordered[C - 1] c_at_means; // thresholds where X has its means
}
transformed parameters {
  #include multilevel/coefficients.stan

  vector[C - 1] c = c_at_means + dot_product(c_X_mean, b); // thresholds
}
model {
  vector[M] mu = append_row(b, 0)[centre];
  vector[N] alpha = offsets + group_part(Z, u, place);
  #include multilevel/priors.stan

  u ~ groups_normal(mu, sd, partial, Q, J);
  for (k in 1 : (C - 1)) {
    c_at_means[k] ~ named_prior(c_distribution, c_arguments);
  }
  target += lgamma(C); // sorted draws
  y ~ ordered_logistic(alpha + W * b[fixed], c);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = u - group_means(append_row(b, 0)[centre], Q, J, R);
}
