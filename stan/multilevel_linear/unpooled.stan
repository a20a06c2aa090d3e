/**
 * Separate coefficients for every group of one grouping factor:
 *   y_i ~ normal(offset_i + X_i B[group(i)], sigma)
 *   B[j, k] ~ normal(prior_b_mean[k], prior_b_sd[k])
 *
 * b is the mean of the coefficients of the observed groups. Its intervals
 * ignore that other groups might have been observed, so their coverage of the
 * population's b is too low. Gelman & Hill (2007), section 12.2.
 */
functions {
  #include functions/multilevel.stan
}
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
  real<lower=0> prior_sigma_rate;
}
parameters {
  matrix[K, J[1]] B; // one column per group
  real<lower=0> sigma; // residual standard deviation
}
model {
  to_vector(B) ~ normal(to_vector(rep_matrix(prior_b_mean, J[1])),
                        to_vector(rep_matrix(prior_b_sd, J[1])));
  sigma ~ exponential(prior_sigma_rate);
  y ~ normal(offsets + group_part(Z, to_vector(B), place), sigma);
}
generated quantities {
  vector[K] b = B * rep_vector(1.0 / J[1], J[1]);
  vector[R] r = to_vector(B - rep_matrix(b, J[1]));
}
