/**
 * The same coefficients for all groups, residuals with heavy tails:
 *   y_i ~ student_t(nu, eta_i, sigma), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
functions {
  #include functions/named_prior.stan
  #include functions/heavy_tails.stan
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
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters - 1]; // scale of the residuals
  real nu = named[n_parameters]; // their degrees of freedom
}
model {
  #include priors/densities.stan

  y ~ heavy_tails(nu, offsets + X * b, sigma);
}
