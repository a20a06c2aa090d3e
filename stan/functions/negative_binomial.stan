/**
 * Log probability of counts: neg_binomial_2 with the mean exp(alpha + X b)
 *
 * The fast function loses digits in proportion to the shape: at 1e18 it is
 * wrong by hundreds of thousands, and a chain that comes there stays. The
 * other one does not.
 *
 * @param X predictors, shape (N, K)
 * @param alpha the other part of the linear predictor, size N
 * @param b coefficients, size K
 * @param shape the variance is mu + mu^2 / shape
 */
real counts_lpmf(array[] int y, matrix X, vector alpha, vector b,
                 real shape) {
  if (shape > 1e6) {
    return neg_binomial_2_log_lpmf(y | alpha + X * b, shape);
  }
  return neg_binomial_2_log_glm_lpmf(y | X, alpha, b, shape);
}
