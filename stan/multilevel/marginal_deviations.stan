vector[R] r;
{
  #include multilevel/decomposed.stan

  // Given the outcome, w[j] is v + B' inv(W) (d / sigma - B v - e), with v and
  // e standard normal (Matheron's rule); x has inv(W) (...).
  matrix[M * G, M] B = R_z * A;
  vector[M * G] d = (R_y - R_x * (b - level)) / sigma;
  array[M] vector[G] x;
  matrix[G, M] w = to_matrix(normal_rng(zeros_vector(M * G), 1), G, M);
  matrix[M, G] deviation;
  for (m in 1 : M) {
    int from = (m - 1) * G + 1;
    x[m] = segment(d, from, G) - to_vector(normal_rng(zeros_vector(G), 1));
    for (i in 1 : m) {
      x[m] -= B[from : (m * G), i] .* w[ : , i];
    }
    for (i in 1 : (m - 1)) {
      x[m] -= L[m, i] .* x[i];
    }
  }
  for (k in 1 : M) {
    int m = M + 1 - k;
    x[m] = x[m] ./ D[m];
    for (i in (m + 1) : M) {
      x[m] -= L[i, m] .* x[i];
    }
  }
  for (m in 1 : M) {
    for (i in m : M) {
      w[ : , m] += B[((i - 1) * G + 1) : (i * G), m] .* x[i];
    }
  }
  deviation = sigma * A * w';
  {
    int m = 0;
    for (t in 1 : T) {
      int last = m + Q[t];
      r[(m * G + 1) : (last * G)] = to_vector(deviation[(m + 1) : last]);
      m = last;
    }
  }
}
