/**
 * The same coefficients for all groups, residuals with heavy tails:
 *   y_i ~ student_t(nu, eta_i, sigma), eta_i = X_i b
 *
 * It treats the observations of a group as independent, so its intervals are
 * too narrow if groups differ. Gelman & Hill (2007), Data Analysis Using
 * Regression and Multilevel Models, section 12.2.
 */
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_nu_shape;
  real<lower=0> prior_nu_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> sigma; // scale of the residuals
  real<lower=1> nu; // their degrees of freedom
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  sigma ~ exponential(prior_sigma_rate);
  nu ~ gamma(prior_nu_shape, prior_nu_rate);
  y ~ student_t(nu, offsets + X * b, sigma);
}
