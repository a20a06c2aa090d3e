/**
 * Varying intercepts and slopes, integrated out, a lognormal outcome; the model
 * of centered.stan:
 *   log(y[j]) ~ multi_normal(offset[j] + X[j] b,
 *                           sigma^2 I + X[j] Sigma X[j]')
 *   Sigma = quad_form_diag(Omega, sd)
 * with y[j] and X[j] the rows of group j.
 *
 * Six parameters are sampled for any number of groups. With the QR
 * decomposition X[j] = Q R and
 *   z = Q' (log(y[j]) - offset[j])
 * a group's likelihood is that of two numbers,
 *   z ~ multi_normal(R b, sigma^2 W), W = I + R Sigma R' / sigma^2,
 * times that of the residuals of the group's least-squares line. det(W)
 * and det(W) d' inv(W) d, d = z - R b, are polynomials in Sigma / sigma^2
 * and b with coefficients that are data. So each is one matrix product for
 * all groups. The terms are sums of squares, which avoids cancellation
 * if sd is near 0 or a group has one observation. It has the posterior of
 * marginal.stan, and is faster.
 *
 * r is drawn from its conditional normal distribution. Bates, Machler,
 * Bolker & Walker (2015), doi:10.18637/jss.v067.i01, section 3, use the same
 * integral.
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
  #include multilevel/lines_data.stan
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
    #include multilevel/lines_density.stan
  }
  target += -sum(log_y);
}
generated quantities {
  vector[P] cor = partial;
  #include multilevel/lines_deviations.stan
}
