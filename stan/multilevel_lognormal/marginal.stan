/**
 * Coefficients that vary by group of one factor, integrated out, a lognormal
 * outcome; the model of centered.stan:
 *   log(y[j]) ~ multi_normal(offset[j] + X[j] b,
 *                           sigma^2 I + Z[j] Sigma Z[j]')
 * with y[j], X[j] and Z[j] the rows of group j, and Sigma the covariance
 * matrix of the coefficients of all terms.
 *
 * The number of sampled parameters does not depend on that of groups, and the
 * cost does not depend on that of observations: the triangular factors of
 * groups' rows have all information that these contain. r is drawn from its
 * conditional normal distribution. Bates, Machler, Bolker & Walker (2015),
 * doi:10.18637/jss.v067.i01, section 3, use the same integral.
 */
functions {
  #include functions/named_prior.stan
  #include functions/multilevel.stan

  #include functions/marginal.stan
}
data {
  #include multilevel/data.stan

  vector<lower=0>[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan

  vector[N] log_y = log(y);
  vector[N] known = log_y - offsets;
  #include multilevel/marginal_data.stan
}
parameters {
  #include priors/parameters.stan

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
}
transformed parameters {
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters]; // residual standard deviation of log(y)
}
model {
  #include multilevel/priors.stan

  {
    #include multilevel/marginal_density.stan
  }
  target += -sum(log_y);
}
generated quantities {
  vector[P] cor = correlations(partial, Q);
  #include multilevel/marginal_deviations.stan
}
