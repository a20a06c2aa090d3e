/**
 * Wrong on purpose: pooled.stan with the rate of sigma's prior taken for a
 * scale.
 */
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
  real<lower=0> prior_sigma_rate;
}
parameters {
  vector[K] b; // population coefficients
  real<lower=0> sigma; // residual standard deviation
}
model {
  b ~ normal(prior_b_mean, prior_b_sd);
  sigma ~ exponential(1 / prior_sigma_rate);
  y ~ normal_id_glm(X, offsets, b, sigma);
}
