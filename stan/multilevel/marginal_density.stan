#include multilevel/decomposed.stan

vector[M * G] d = R_y - R_x * (b - level);
array[M] vector[G] t; // L t = d
vector[G] det_W = ones_vector(G);
vector[G] form = zeros_vector(G); // d' inv(W) d
for (m in 1 : M) {
  t[m] = segment(d, (m - 1) * G + 1, G);
  for (i in 1 : (m - 1)) {
    t[m] -= L[m, i] .* t[i];
  }
  det_W = det_W .* D[m];
  form += square(t[m]) ./ D[m];
}
target += -N * log(sigma) - 0.5 * sum(log(det_W))
          - (dot_self(rest * append_row(b - level, -1)) + sum(form))
            / (2 * square(sigma));
