/**
 * Wrong on purpose: pooled.stan with the rate of an exponential prior taken
 * for a scale.
 */
functions {
  real named_prior_lpdf(real x, int distribution, row_vector arguments) {
    if (distribution == 1) {
      return normal_lpdf(x | arguments[1], arguments[2]);
    }
    return exponential_lpdf(x | 1 / arguments[1]);
  }
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

  real sigma = named[n_parameters]; // residual standard deviation
}
model {
  #include priors/densities.stan

  y ~ normal_id_glm(X, offsets, b, sigma);
}
