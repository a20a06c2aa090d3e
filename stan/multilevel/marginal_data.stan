int G = J[1]; // groups
vector[K] level = zeros_vector(K); // subtracted from b, so squares stay small
// Of every group's [Z, X, known - X level], a factor with a lower triangular
// part of Z: the first rows of all groups, then their second rows, ...
matrix[M * G, M] R_z;
matrix[M * G, K] R_x;
vector[M * G] R_y;
matrix[K + 1, K + 1] rest; // what the columns of Z leave of all groups
{
  int C = M + K + 1;
  array[N] int first_place = place[1];
  array[N] int order = sort_indices_asc(first_place);
  array[R] int rows_at = zeros_int_array(R);
  real intercepts = K > 0 ? dot_self(X[ : , 1]) : 0;
  for (n in 1 : N) {
    rows_at[first_place[n]] += 1;
  }
  if (intercepts > 0) {
    level[1] = dot_product(X[ : , 1], known) / intercepts;
  }
  {
    // one column per group, with zeros below the rows of small groups
    int most = max(rows_at);
    array[C] matrix[most, G] q;
    matrix[M * G, C] factor = rep_matrix(0, M * G, C);
    matrix[most * G, K + 1] left;
    {
      matrix[N, C] whole = append_col(append_col(Z, X), known - X * level);
      matrix[N + 1, C] padded = append_row(whole, rep_row_vector(0, C));
      array[most * G] int row = rep_array(N + 1, most * G);
      int n = 0;
      for (j in 1 : G) {
        int size = rows_at[(j - 1) * Q[1] + 1];
        int before = (j - 1) * most;
        row[(before + 1) : (before + size)] = order[(n + 1) : (n + size)];
        n += size;
      }
      for (c in 1 : C) {
        q[c] = to_matrix(padded[row, c], most, G);
      }
    }
    // modified Gram-Schmidt, from the last column of Z to its first
    for (m in 1 : M) {
      int k = M + 1 - m;
      row_vector[G] norm = sqrt(columns_dot_self(q[k]));
      matrix[most, G] unit;
      for (j in 1 : G) {
        norm[j] += norm[j] == 0; // a column of zeros stays one
      }
      unit = diag_post_multiply(q[k], inv(norm));
      for (c in 1 : C) {
        if (c <= k || c > M) {
          row_vector[G] inside = columns_dot_product(unit, q[c]);
          factor[((k - 1) * G + 1) : (k * G), c] = inside';
          q[c] -= diag_post_multiply(unit, inside);
        }
      }
    }
    R_z = factor[ : , 1 : M];
    R_x = factor[ : , (M + 1) : (M + K)];
    R_y = factor[ : , C];
    for (c in 1 : (K + 1)) {
      left[ : , c] = to_vector(q[M + c]);
    }
    rest = triangular_factor(left);
  }
}
