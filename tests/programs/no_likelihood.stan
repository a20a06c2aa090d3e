/**
 * Wrong on purpose: noncentered.stan without its likelihood, so that the
 * posterior is the prior.
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
  vector[K] b; // population coefficients
  vector<lower=0>[M] sd; // standard deviations of groups' coefficients
  vector<lower=-1, upper=1>[P] partial; // their partial correlations
  vector[R] z; // groups' coefficients, standardised
  real<lower=0> sigma; // residual standard deviation
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  sd ~ exponential(prior_sd_rate);
  0.5 * (1 + partial) ~ beta(prior_partial_shape, prior_partial_shape);
  z ~ std_normal();
  sigma ~ exponential(prior_sigma_rate);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = deviations(z, sd, partial, Q, J);
}
