/**
 * Cholesky factor of a correlation matrix.
 *
 * @param partial canonical partial correlations, row by row: of the second
 *   coefficient with the first, of the third with the first, of the third with
 *   the second given the first, ...
 * @param Q number of coefficients
 */
matrix correlation_factor(vector partial, int Q) {
  matrix[Q, Q] L = identity_matrix(Q);
  int p = 0;
  for (i in 2 : Q) {
    real rest = 1; // variance of coefficient i that is left
    for (j in 1 : (i - 1)) {
      p += 1;
      L[i, j] = partial[p] * sqrt(rest);
      rest *= 1 - square(partial[p]);
    }
    L[i, i] = sqrt(rest);
  }
  return L;
}

/**
 * Correlations of the coefficients of every term, in the order of `partial`.
 *
 * @param partial canonical partial correlations of all terms
 * @param Q number of coefficients of every term
 */
vector correlations(vector partial, array[] int Q) {
  vector[num_elements(partial)] cor;
  int p = 0;
  for (t in 1 : size(Q)) {
    if (Q[t] > 1) {
      int pairs = (Q[t] * (Q[t] - 1)) %/% 2;
      vector[pairs] own = segment(partial, p + 1, pairs);
      matrix[Q[t], Q[t]] L = correlation_factor(own, Q[t]);
      for (i in 2 : Q[t]) {
        for (j in 1 : (i - 1)) {
          p += 1;
          cor[p] = dot_product(L[i], L[j]);
        }
      }
    }
  }
  return cor;
}

/**
 * Groups' deviations from the population's coefficients, of every term in
 * turn, group by group.
 *
 * @param z standard normal deviations, in the same order
 * @param sd standard deviations of all terms' coefficients
 * @param partial canonical partial correlations of all terms
 * @param Q number of coefficients of every term
 * @param J number of groups of every term
 */
vector deviations(vector z, vector sd, vector partial, array[] int Q,
                  array[] int J) {
  vector[num_elements(z)] r;
  int m = 0;
  int p = 0;
  int i = 0;
  for (t in 1 : size(Q)) {
    int n = Q[t] * J[t];
    if (Q[t] == 1) {
      r[(i + 1) : (i + n)] = sd[m + 1] * segment(z, i + 1, n);
    } else {
      int pairs = (Q[t] * (Q[t] - 1)) %/% 2;
      vector[Q[t]] scale = segment(sd, m + 1, Q[t]);
      vector[pairs] own = segment(partial, p + 1, pairs);
      matrix[Q[t], Q[t]] L = correlation_factor(own, Q[t]);
      matrix[Q[t], J[t]] z_t = to_matrix(segment(z, i + 1, n), Q[t], J[t]);
      r[(i + 1) : (i + n)] = to_vector(diag_pre_multiply(scale, L) * z_t);
      p += pairs;
    }
    m += Q[t];
    i += n;
  }
  return r;
}

/**
 * Log density of groups' coefficients: those of a group are multivariate
 * normal, and groups are independent.
 *
 * @param u coefficients of every term in turn, group by group
 * @param mu means of all terms' coefficients
 * @param sd standard deviations of all terms' coefficients
 * @param partial canonical partial correlations of all terms
 * @param Q number of coefficients of every term
 * @param J number of groups of every term
 */
real groups_normal_lpdf(vector u, vector mu, vector sd, vector partial,
                        array[] int Q, array[] int J) {
  real density = 0;
  int m = 0;
  int p = 0;
  int i = 0;
  for (t in 1 : size(Q)) {
    int n = Q[t] * J[t];
    if (Q[t] == 1) {
      density += normal_lpdf(segment(u, i + 1, n) | mu[m + 1], sd[m + 1]);
    } else {
      int pairs = (Q[t] * (Q[t] - 1)) %/% 2;
      vector[Q[t]] center = segment(mu, m + 1, Q[t]);
      vector[Q[t]] scale = segment(sd, m + 1, Q[t]);
      vector[pairs] own = segment(partial, p + 1, pairs);
      matrix[Q[t], Q[t]] L = correlation_factor(own, Q[t]);
      matrix[Q[t], Q[t]] factor = diag_pre_multiply(scale, L);
      matrix[Q[t], J[t]] u_t = to_matrix(segment(u, i + 1, n), Q[t], J[t]);
      matrix[Q[t], J[t]] r = u_t - rep_matrix(center, J[t]);
      density += std_normal_lpdf(to_vector(mdivide_left_tri_low(factor, r)));
      density -= J[t] * sum(log(diagonal(factor)));
      p += pairs;
    }
    m += Q[t];
    i += n;
  }
  return density;
}

/**
 * The groups' part of the linear predictor of every observation.
 *
 * @param Z one row per observation, one column per varying coefficient
 * @param u groups' coefficients
 * @param place where in u the coefficients of an observation's groups are
 */
vector group_part(matrix Z, vector u, array[,] int place) {
  vector[rows(Z)] eta = zeros_vector(rows(Z));
  for (m in 1 : cols(Z)) {
    eta += Z[ : , m] .* u[place[m]];
  }
  return eta;
}

/**
 * The means of groups' coefficients, of every term in turn, group by group.
 *
 * @param mu means of all terms' coefficients
 * @param Q number of coefficients of every term
 * @param J number of groups of every term
 * @param R number of groups' coefficients
 */
vector group_means(vector mu, array[] int Q, array[] int J, int R) {
  vector[R] means;
  int m = 0;
  int i = 0;
  for (t in 1 : size(Q)) {
    int n = Q[t] * J[t];
    vector[Q[t]] center = segment(mu, m + 1, Q[t]);
    means[(i + 1) : (i + n)] = to_vector(rep_matrix(center, J[t]));
    m += Q[t];
    i += n;
  }
  return means;
}
