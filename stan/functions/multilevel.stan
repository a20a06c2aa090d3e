/**
 * Log density of a matrix whose rows are independent multivariate normal
 * variables with the same mean and the same covariance.
 *
 * One triangular solve for all rows is several times faster than
 * multi_normal_cholesky of an array of vectors, and gives the same density.
 *
 * @param y one row per participant
 * @param mu mean of every row
 * @param L Cholesky factor of the covariance of every row
 */
real rows_multi_normal_cholesky_lpdf(matrix y, vector mu, matrix L) {
  int J = rows(y);
  matrix[cols(y), J] z = mdivide_left_tri_low(L, (y - rep_matrix(mu', J))');
  return std_normal_lpdf(to_vector(z)) - J * sum(log(diagonal(L)));
}

/**
 * Expected outcome of every observation given the participant's coefficients.
 *
 * @param X one row per observation, one column per coefficient
 * @param beta_p one row per participant, one column per coefficient
 * @param participant the participant of every observation
 */
vector varying_lines(matrix X, matrix beta_p, array[] int participant) {
  vector[rows(X)] mu = beta_p[participant, 1] .* X[ : , 1];
  for (k in 2 : cols(X)) {
    mu += beta_p[participant, k] .* X[ : , k];
  }
  return mu;
}

/**
 * Linear predictor of every observation: the participant's coefficients, and
 * those that all participants share, if there are any.
 *
 * @param Z one row per observation, one column per varying coefficient
 * @param beta_p one row per participant, one column per varying coefficient
 * @param participant the participant of every observation
 * @param W one row per observation, one column per shared coefficient
 * @param beta the shared coefficients
 */
vector linear_predictor(matrix Z, matrix beta_p, array[] int participant,
                        matrix W, vector beta) {
  vector[rows(Z)] eta = varying_lines(Z, beta_p, participant);
  if (cols(W) > 0) {
    eta += W * beta;
  }
  return eta;
}
