/**
 * Log density of outcomes: student_t, also where it is almost normal
 *
 * Stan's own function loses digits in proportion to nu: at 1e16 it is wrong by
 * thousands, and a chain that comes there stays.
 *
 * @param nu degrees of freedom
 * @param mu location, size N
 * @param sigma scale
 */
real heavy_tails_lpdf(vector y, real nu, vector mu, real sigma) {
  if (nu > 1e6) {
    real constant = lbeta(nu / 2, 0.5) + log(nu) / 2 + log(sigma);
    return -(nu + 1) / 2 * sum(log1p(square((y - mu) / sigma) / nu))
           - num_elements(y) * constant;
  }
  return student_t_lpdf(y | nu, mu, sigma);
}
