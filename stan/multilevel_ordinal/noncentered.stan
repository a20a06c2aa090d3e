/**
 * Coefficients that vary by group, non-centred, ordered categories:
 *   y_i ~ ordered_logistic(eta_i, c)
 *   eta_i = offset_i + X_i b + the sum over terms t of Z_t,i r_t[group_t(i)]
 *   r_t[j] = diag_pre_multiply(sd_t, L_t) z_t[j], z_t[j] ~ std_normal()
 *
 * With a normal prior, ordered thresholds have the distribution of a sorted
 * normal sample. McCullagh (1980), Regression Models for Ordinal Data,
 * doi:10.1111/j.2517-6161.1980.tb01109.x.
 *
 * Samples well if groups have few observations. Papaspiliopoulos, Roberts &
 * Skold (2007), A General Framework for the Parametrization of Hierarchical
 * Models, doi:10.1214/088342307000000014.
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
  vector[R] z; // groups' coefficients, standardised
  ordered[C - 1] c_at_means; // thresholds where X has its means
}
transformed parameters {
  #include multilevel/coefficients.stan

  vector[C - 1] c = c_at_means + dot_product(c_X_mean, b); // thresholds
}
model {
  vector[R] u = group_means(append_row(b, 0)[centre], Q, J, R)
                + deviations(z, sd, partial, Q, J);
  vector[N] alpha = offsets + group_part(Z, u, place);
  #include multilevel/priors.stan

  z ~ std_normal();
  for (k in 1 : (C - 1)) {
    c_at_means[k] ~ named_prior(c_distribution, c_arguments);
  }
  target += lgamma(C); // sorted draws
  y ~ ordered_logistic(alpha + W * b[fixed], c);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = deviations(z, sd, partial, Q, J);
}
