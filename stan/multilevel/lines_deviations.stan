vector[R] r;
{
  // r[j] = sigma A w[j], w[j] ~ multi_normal(inv(V) u, inv(V))
  matrix[2, 2] A = diag_pre_multiply(sd / sigma,
                                     correlation_factor(partial, 2));
  vector[G] B11 = R11 * A[1, 1] + R12 * A[2, 1];
  vector[G] B12 = R12 * A[2, 2];
  vector[G] B21 = R22 * A[2, 1];
  vector[G] B22 = R22 * A[2, 2];
  vector[G] d1 = (z1 - R11 * (b[1] - level) - R12 * b[2]) / sigma;
  vector[G] d2 = (z2 - R22 * b[2]) / sigma;
  // Cholesky factor of V = I + B' B, and the solution of its equations
  vector[G] C11 = sqrt(1 + square(B11) + square(B21));
  vector[G] C21 = (B11 .* B12 + B21 .* B22) ./ C11;
  vector[G] C22 = sqrt(1 + square(B12) + square(B22) - square(C21));
  vector[G] t1 = (B11 .* d1 + B21 .* d2) ./ C11;
  vector[G] t2 = (B12 .* d1 + B22 .* d2 - C21 .* t1) ./ C22;
  vector[G] w2 = (t2 + to_vector(normal_rng(zeros_vector(G), 1))) ./ C22;
  vector[G] w1 = (t1 + to_vector(normal_rng(zeros_vector(G), 1))
                  - C21 .* w2)
                 ./ C11;
  r = sigma * to_vector(A * append_row(w1', w2'));
}
