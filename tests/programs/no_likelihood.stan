/**
 * Wrong on purpose: noncentered.stan without its likelihood, so that the
 * posterior is the prior.
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

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
  vector[R] z; // groups' coefficients, standardised
}
transformed parameters {
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters]; // residual standard deviation
}
model {
  #include multilevel/priors.stan

  z ~ std_normal();
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  vector[R] r = deviations(z, sd, partial, Q, J);
}
