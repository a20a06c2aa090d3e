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
