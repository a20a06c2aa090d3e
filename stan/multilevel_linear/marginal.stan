/**
 * Varying intercepts and slopes, integrated out; the model of centered.stan:
 *   y[j] ~ multi_normal(X[j] b, sigma^2 I + X[j] Sigma X[j]')
 *   Sigma = quad_form_diag(Omega, sd)
 * with y[j] and X[j] the observations of group j.
 *
 * Six parameters are sampled for any number of groups. With the QR
 * decomposition X[j] = Q R and z = Q' y[j], a group's likelihood is that
 * of two numbers,
 *   z ~ multi_normal(R b, sigma^2 W), W = I + R Sigma R' / sigma^2,
 * times that of the residuals of the group's least-squares line. det(W)
 * and det(W) d' inv(W) d, d = z - R b, are polynomials in Sigma / sigma^2
 * and b with coefficients that are data. So each is one matrix product for
 * all groups. The terms are sums of squares, which avoids cancellation
 * if sd is near 0 or a group has one observation.
 *
 * r is drawn from its conditional normal distribution. Bates, Machler,
 * Bolker & Walker (2015), doi:10.18637/jss.v067.i01, section 3, use the same
 * integral.
 */
functions {
  #include functions/named_prior.stan
  #include functions/multilevel.stan

  #include functions/marginal.stan
}
data {
  #include multilevel/data.stan

  vector[N] y; // outcome
}
transformed data {
  #include priors/bounds.stan

  int G = J[1]; // groups
  vector[N] known = y - offsets;
  real level = mean(known); // subtracted from b[1], so that squares stay small
  real residual = 0; // sum of squares around groups' least-squares lines
  vector[G] R11;
  vector[G] R12;
  vector[G] R22;
  vector[G] z1;
  vector[G] z2;
  {
    array[N] int order = sort_indices_asc(place[1]);
    matrix[N, 3] rows = append_col(X, known - level)[order];
    array[G] int size = zeros_int_array(G);
    int last = 0;
    for (n in 1 : N) {
      size[(place[1, n] + 1) %/% 2] += 1;
    }
    for (j in 1 : G) {
      matrix[3, 3] U = triangular_factor(rows[(last + 1) : (last + size[j])]);
      last += size[j];
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
}
parameters {
  #include priors/parameters.stan

  vector<lower=-1, upper=1>[P] partial; // their partial correlations
}
transformed parameters {
  #include multilevel/coefficients.stan

  real sigma = named[n_parameters]; // residual standard deviation
}
model {
  #include multilevel/priors.stan

  {
    matrix[2, 2] A = diag_pre_multiply(sd / sigma,
                                       correlation_factor(partial, 2));
    real S11 = square(A[1, 1]);
    real S12 = A[1, 1] * A[2, 1];
    real S22 = square(A[2, 1]) + square(A[2, 2]);
    real b1 = b[1] - level;
    real b2 = b[2];
    vector[G] det_W = determinant
                      * [1, S11, S12, S22, S11 * square(A[2, 2])]';
    vector[G] form = quadratic
                     * [1, b1, b2, square(b1), b1 * b2, square(b2), S11,
                        S11 * b2, S11 * square(b2), S12, S12 * b1, S12 * b2,
                        S12 * b1 * b2, S22, S22 * b1, S22 * square(b1)]';
    target += -N * log(sigma) - 0.5 * sum(log(det_W))
              - (residual + sum(form ./ det_W)) / (2 * square(sigma));
  }
}
generated quantities {
  vector[P] cor = partial;
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
}
