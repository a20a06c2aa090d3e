/**
 * Coefficients that vary by group, non-centred, residuals with heavy tails:
 *   y_i ~ student_t(nu, eta_i, sigma)
 *   eta_i = offset_i + X_i b + the sum over terms t of Z_t,i r_t[group_t(i)]
 *   r_t[j] = diag_pre_multiply(sd_t, L_t) z_t[j], z_t[j] ~ std_normal()
 *
 * Samples well if groups have few observations. Papaspiliopoulos, Roberts &
 * Skold (2007), A General Framework for the Parametrization of Hierarchical
 * Models, doi:10.1214/088342307000000014.
 */
functions {
  #include functions/named_prior.stan
  #include functions/multilevel.stan

  #include functions/heavy_tails.stan
}
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan

  matrix[N, F] W = X[ : , fixed];
}
parameters {
  #include priors/parameters.stan

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
  vector[R] z; // groups' coefficients, standardised
}
transformed parameters {
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters - 1]; // scale of the residuals
  real nu = named[n_parameters]; // their degrees of freedom
}
model {
  vector[R] u = group_means(append_row(b, 0)[centre], Q, J, R)
                + deviations(z, sd, partial, Q, J);
  vector[N] alpha = offsets + group_part(Z, u, place);
  #include multilevel/priors.stan

  z ~ std_normal();
  y ~ heavy_tails(nu, alpha + W * b[fixed], sigma);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = deviations(z, sd, partial, Q, J);
}
