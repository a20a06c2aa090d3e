/**
 * Random-effects meta-analysis with the studies' effects integrated out; the
 * model of centered.stan:
 *   y_j ~ normal(mu + X_j b, sqrt(tau^2 + se_j^2))
 *
 * Two parameters are sampled for any number of studies. theta is drawn from its
 * conditional normal distribution with mean m + w (y - m) and standard
 * deviation sqrt(w) se, where m = mu + X b and w = 1 / (1 + (se / tau)^2).
 * This form is stable for tau near 0. Gelman et al. (2013), Bayesian Data
 * Analysis, section 5.4.
 */
functions {
  #include functions/named_prior.stan
}
data {
  int<lower=1> J; // studies
  vector[J] y; // estimated effects
  vector<lower=0>[J] se; // their standard errors
  int<lower=0> K; // moderators' coefficients
  matrix[J, K] X;
  #include priors/data.stan
}
transformed data {
  #include priors/bounds.stan
}
parameters {
  #include priors/parameters.stan
}
transformed parameters {
  #include priors/named.stan

  real mu = named[1]; // mean of the studies' effects where moderators are 0
  vector[K] b = named[2 : (K + 1)]; // moderators' coefficients
  real tau = named[K + 2]; // their standard deviation
}
model {
  #include priors/densities.stan

  y ~ normal(mu + X * b, hypot(tau, se));
}
generated quantities {
  vector[J] theta;
  {
    vector[J] m = mu + X * b;
    vector[J] w = inv(1 + square(se / tau));
    vector[J] z = to_vector(normal_rng(zeros_vector(J), 1));
    theta = m + w .* (y - m) + sqrt(w) .* se .* z;
  }
}
