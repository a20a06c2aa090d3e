int G = J[1]; // groups
real level = mean(known); // subtracted from b[1], so that squares stay small
real residual = 0; // sum of squares around groups' least-squares lines
vector[G] R11;
vector[G] R12;
vector[G] R22;
vector[G] z1;
vector[G] z2;
{
  array[N] int first_place = place[1];
  array[N] int order = sort_indices_asc(first_place);
  matrix[N, 3] rows = append_col(X, known - level)[order];
  array[R] int rows_at = zeros_int_array(R);
  int last = 0;
  for (n in 1 : N) {
    rows_at[first_place[n]] += 1;
  }
  for (j in 1 : G) {
    int next = last + rows_at[2 * j - 1];
    matrix[3, 3] U = triangular_factor(rows[(last + 1) : next]);
    last = next;
    R11[j] = U[1, 1];
    R12[j] = U[1, 2];
    R22[j] = U[2, 2];
    z1[j] = U[1, 3];
    z2[j] = U[2, 3];
    residual += square(U[3, 3]);
  }
}
// det(W): columns for 1, S11, S12, S22, det(S), with S = Sigma / sigma^2
matrix[G, 5] determinant;
// det(W) d' inv(W) d = d' d + e2^2 S11 - 2 e1 e2 S12 + e1^2 S22, where
// e = adjugate(R) d: columns for 1, b1, b2, b1^2, b1 b2, b2^2, then
// S11 (1, b2, b2^2), S12 (1, b1, b2, b1 b2), S22 (1, b1, b1^2)
matrix[G, 16] quadratic;
{
  vector[G] det_R = R11 .* R22;
  vector[G] g1 = R22 .* z1 - R12 .* z2; // adjugate(R) z
  vector[G] g2 = R11 .* z2;
  determinant[ : , 1] = ones_vector(G);
  determinant[ : , 2] = square(R11);
  determinant[ : , 3] = 2 * R11 .* R12;
  determinant[ : , 4] = square(R12) + square(R22);
  determinant[ : , 5] = square(det_R);
  quadratic[ : , 1] = square(z1) + square(z2);
  quadratic[ : , 2] = -2 * R11 .* z1;
  quadratic[ : , 3] = -2 * (R12 .* z1 + R22 .* z2);
  quadratic[ : , 4 : 6] = determinant[ : , 2 : 4];
  quadratic[ : , 7] = square(g2);
  quadratic[ : , 8] = -2 * g2 .* det_R;
  quadratic[ : , 9] = square(det_R);
  quadratic[ : , 10] = -2 * g1 .* g2;
  quadratic[ : , 11] = 2 * g2 .* det_R;
  quadratic[ : , 12] = 2 * g1 .* det_R;
  quadratic[ : , 13] = -2 * square(det_R);
  quadratic[ : , 14] = square(g1);
  quadratic[ : , 15] = -2 * g1 .* det_R;
  quadratic[ : , 16] = square(det_R);
}
