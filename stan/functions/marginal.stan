/**
 * Triangular factor of the QR decomposition, by modified Gram-Schmidt.
 *
 * With the outcome as the last column, it has all information that a
 * participant's observations contain about a regression: Bjorck (1967),
 * doi:10.1007/BF01934122. A column that depends linearly on those before it
 * gives a row of zeros, so a may have fewer rows than columns.
 *
 * @param a one row per observation
 * @return square, upper triangular, with crossprod(result) = crossprod(a)
 */
matrix triangular_factor(matrix a) {
  int M = cols(a);
  matrix[rows(a), M] q = a;
  matrix[M, M] R = rep_matrix(0, M, M);
  for (m in 1 : M) {
    R[m, m] = sqrt(dot_self(q[ : , m]));
    if (R[m, m] > 0) {
      for (l in (m + 1) : M) {
        R[m, l] = dot_product(q[ : , m], q[ : , l]) / R[m, m];
        q[ : , l] -= q[ : , m] * (R[m, l] / R[m, m]);
      }
    }
  }
  return R;
}
