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
