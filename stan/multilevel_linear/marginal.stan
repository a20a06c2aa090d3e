/**
 * Varying intercepts and slopes, integrated out; the model of centered.stan:
 *   y[j] ~ multi_normal(X[j] beta, sigma^2 I + X[j] Sigma X[j]')
 *   Sigma = quad_form_diag(Omega, sigma_p)
 * with y[j] and X[j] the observations of participant j.
 *
 * Six parameters are sampled for any number of participants. With the QR
 * decomposition X[j] = Q R and z = Q' y[j], a participant's likelihood is that
 * of two numbers,
 *   z ~ multi_normal(R beta, sigma^2 W), W = I + R Sigma R' / sigma^2,
 * times that of the residuals of the participant's least-squares line. det(W)
 * and det(W) d' inv(W) d, d = z - R beta, are polynomials in Sigma / sigma^2
 * and beta with coefficients that are data. So each is one matrix product for
 * all participants. The terms are sums of squares, which avoids cancellation
 * if sigma_p is near 0 or a participant has one observation.
 *
 * beta_p is drawn from its conditional normal distribution. Bates, Machler,
 * Bolker & Walker (2015), doi:10.18637/jss.v067.i01, section 3, use the same
 * integral.
 */
functions {
  #include functions/marginal.stan
}
data {
  int<lower=1> N; // observations
  int<lower=2, upper=2> K; // coefficients; this program requires two
  int<lower=1> J; // participants
  array[N] int<lower=1, upper=J> participant;
  matrix[N, K] X; // predictors; the first column is 1
  vector[N] y; // outcome
  vector[K] prior_beta_mean;
  vector<lower=0>[K] prior_beta_sd;
  vector<lower=0>[K] prior_sigma_p_rate;
  real<lower=0> prior_sigma_rate;
  real<lower=0> prior_lkj_eta;
}
transformed data {
  real level = mean(y); // subtracted from beta[1], so that squares stay small
  real residual = 0; // sum of squares around participants' least-squares lines
  vector[J] R11;
  vector[J] R12;
  vector[J] R22;
  vector[J] z1;
  vector[J] z2;
  {
    array[N] int order = sort_indices_asc(participant);
    matrix[N, 3] rows = append_col(X, y - level)[order];
    array[J] int size = zeros_int_array(J);
    int last = 0;
    for (n in 1 : N) {
      size[participant[n]] += 1;
    }
    for (j in 1 : J) {
      matrix[3, 3] R = triangular_factor(rows[(last + 1) : (last + size[j])]);
      last += size[j];
      R11[j] = R[1, 1];
      R12[j] = R[1, 2];
      R22[j] = R[2, 2];
      z1[j] = R[1, 3];
      z2[j] = R[2, 3];
      residual += square(R[3, 3]);
    }
  }
  // det(W): columns for 1, S11, S12, S22, det(S), with S = Sigma / sigma^2
  matrix[J, 5] determinant;
  // det(W) d' inv(W) d = d' d + e2^2 S11 - 2 e1 e2 S12 + e1^2 S22, where
  // e = adjugate(R) d: columns for 1, b1, b2, b1^2, b1 b2, b2^2, then
  // S11 (1, b2, b2^2), S12 (1, b1, b2, b1 b2), S22 (1, b1, b1^2)
  matrix[J, 16] quadratic;
  {
    vector[J] det_R = R11 .* R22;
    vector[J] g1 = R22 .* z1 - R12 .* z2; // adjugate(R) z
    vector[J] g2 = R11 .* z2;
    determinant[ : , 1] = ones_vector(J);
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
  vector[K] beta;
  vector<lower=0>[K] sigma_p; // participant standard deviations
  cholesky_factor_corr[K] L_p; // Omega = L_p L_p'
  real<lower=0> sigma;
}
model {
  beta ~ normal(prior_beta_mean, prior_beta_sd);
  sigma_p ~ exponential(prior_sigma_p_rate);
  L_p ~ lkj_corr_cholesky(prior_lkj_eta);
  sigma ~ exponential(prior_sigma_rate);
  {
    matrix[K, K] A = diag_pre_multiply(sigma_p / sigma, L_p);
    real S11 = square(A[1, 1]);
    real S12 = A[1, 1] * A[2, 1];
    real S22 = square(A[2, 1]) + square(A[2, 2]);
    real b1 = beta[1] - level;
    real b2 = beta[2];
    vector[J] det_W = determinant
                      * [1, S11, S12, S22, S11 * square(A[2, 2])]';
    vector[J] form = quadratic
                     * [1, b1, b2, square(b1), b1 * b2, square(b2), S11,
                        S11 * b2, S11 * square(b2), S12, S12 * b1, S12 * b2,
                        S12 * b1 * b2, S22, S22 * b1, S22 * square(b1)]';
    target += -N * log(sigma) - 0.5 * sum(log(det_W))
              - (residual + sum(form ./ det_W)) / (2 * square(sigma));
  }
}
generated quantities {
  matrix[K, K] Omega = multiply_lower_tri_self_transpose(L_p);
  matrix[J, K] beta_p;
  {
    // beta_p[j] = beta + sigma A w[j], w[j] ~ multi_normal(inv(M) u, inv(M))
    matrix[K, K] A = diag_pre_multiply(sigma_p / sigma, L_p);
    vector[J] B11 = R11 * A[1, 1] + R12 * A[2, 1];
    vector[J] B12 = R12 * A[2, 2];
    vector[J] B21 = R22 * A[2, 1];
    vector[J] B22 = R22 * A[2, 2];
    vector[J] d1 = (z1 - R11 * (beta[1] - level) - R12 * beta[2]) / sigma;
    vector[J] d2 = (z2 - R22 * beta[2]) / sigma;
    // Cholesky factor of M = I + B' B, and the solution of its equations
    vector[J] C11 = sqrt(1 + square(B11) + square(B21));
    vector[J] C21 = (B11 .* B12 + B21 .* B22) ./ C11;
    vector[J] C22 = sqrt(1 + square(B12) + square(B22) - square(C21));
    vector[J] t1 = (B11 .* d1 + B21 .* d2) ./ C11;
    vector[J] t2 = (B12 .* d1 + B22 .* d2 - C21 .* t1) ./ C22;
    vector[J] w2 = (t2 + to_vector(normal_rng(zeros_vector(J), 1))) ./ C22;
    vector[J] w1 = (t1 + to_vector(normal_rng(zeros_vector(J), 1))
                    - C21 .* w2)
                   ./ C11;
    beta_p[ : , 1] = beta[1] + sigma * A[1, 1] * w1;
    beta_p[ : , 2] = beta[2] + sigma * (A[2, 1] * w1 + A[2, 2] * w2);
  }
}
