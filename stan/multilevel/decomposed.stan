// With r[j] = sigma A w[j] and w[j] standard normal, the part of the outcome
// in the columns of Z has the covariance sigma^2 W[j], W[j] = I + B[j] B[j]'.
// W[j] = L diag(D) L' by updates of rank one, one for every column of B[j], so
// D is a sum of squares: Gill, Golub, Murray & Saunders (1974), method C1,
// doi:10.1090/S0025-5718-1974-0343558-6. One number per group in each vector.
matrix[M, M] A = diag_matrix(sd / sigma);
array[M] vector[G] D;
array[M, M] vector[G] L;
{
  int m = 0;
  int p = 0;
  for (t in 1 : T) {
    int last = m + Q[t];
    if (Q[t] > 1) {
      int pairs = (Q[t] * (Q[t] - 1)) %/% 2;
      vector[pairs] own = segment(partial, p + 1, pairs);
      A[(m + 1) : last, (m + 1) : last] *= correlation_factor(own, Q[t]);
      p += pairs;
    }
    m = last;
  }
}
{
  vector[M * G] column = R_z * A[ : , 1];
  vector[G] before = ones_vector(G);
  for (m in 1 : M) {
    vector[G] p = segment(column, (m - 1) * G + 1, G);
    vector[G] total = before + square(p);
    vector[G] slope = p ./ total;
    D[m] = total ./ before;
    for (i in (m + 1) : M) {
      L[i, m] = slope .* segment(column, (i - 1) * G + 1, G);
    }
    before = total;
  }
}
for (k in 2 : M) {
  int first = (k - 1) * G + 1;
  int n = (M - k + 1) * G;
  vector[n] column = R_z[first : (M * G), k : M] * A[k : M, k];
  array[M] vector[G] p;
  vector[G] weight = ones_vector(G);
  for (m in k : M) {
    p[m] = segment(column, (m - k) * G + 1, G);
  }
  for (m in k : M) {
    vector[G] weighted = weight .* p[m];
    vector[G] total = D[m] + weighted .* p[m];
    vector[G] slope = weighted ./ total;
    weight = weight .* D[m] ./ total;
    D[m] = total;
    for (i in (m + 1) : M) {
      p[i] -= p[m] .* L[i, m];
      L[i, m] += slope .* p[i];
    }
  }
}
