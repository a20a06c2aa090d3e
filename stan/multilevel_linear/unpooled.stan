/**
 * Separate coefficients for every group of one grouping factor:
 *   y_i ~ normal(offset_i + X_i B[group(i)], sigma)
 *   B[j, k] has the prior of b[k]
 *
 * b is the mean of the coefficients of the observed groups. Its intervals
 * ignore that other groups might have been observed, so their coverage of the
 * population's b is too low. Gelman & Hill (2007), section 12.2.
 */
functions {
  #include functions/named_prior.stan
  #include functions/multilevel.stan
}
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include priors/named.stan

  // one column per group
  matrix[K, J[1]] B = to_matrix(named[1 : (K * J[1])], K, J[1]);
  B[1] -= X_mean' * B; // the prior is that of B[1] at the means of X
  real sigma = named[n_parameters]; // residual standard deviation
}
model {
  #include priors/densities.stan

  y ~ normal(offsets + group_part(Z, to_vector(B), place), sigma);
}
generated quantities {
  vector[K] b = B * rep_vector(1.0 / J[1], J[1]);
  vector[R] r = to_vector(B - rep_matrix(b, J[1]));
}
