/**
 * Log density of a parameter whose prior is named in the study.
 *
 * @param x the parameter
 * @param distribution the number of its distribution; 0 is a flat prior
 * @param arguments those of Stan's distribution, then zeros
 */
real named_prior_lpdf(real x, int distribution, row_vector arguments) {
  real a = arguments[1];
  real b = arguments[2];
  if (distribution == 1) {
    return normal_lpdf(x | a, b);
  } else if (distribution == 2) {
    return student_t_lpdf(x | a, b, arguments[3]);
  } else if (distribution == 3) {
    return cauchy_lpdf(x | a, b);
  } else if (distribution == 4) {
    return logistic_lpdf(x | a, b);
  } else if (distribution == 5) {
    return double_exponential_lpdf(x | a, b);
  } else if (distribution == 6) {
    return exponential_lpdf(x | a);
  } else if (distribution == 7) {
    return gamma_lpdf(x | a, b);
  } else if (distribution == 8) {
    return inv_gamma_lpdf(x | a, b);
  } else if (distribution == 9) {
    return lognormal_lpdf(x | a, b);
  } else if (distribution == 10) {
    return beta_lpdf(x | a, b);
  } else if (distribution == 11) {
    return uniform_lpdf(x | a, b);
  }
  return 0;
}
