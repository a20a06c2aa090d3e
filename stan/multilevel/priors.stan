#include priors/densities.stan

target += beta_lpdf(0.5 * (1 + partial) | partial_shape, partial_shape)
          - P * log2();
