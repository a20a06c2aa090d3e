vector[n_free] lower_bound = rep_vector(negative_infinity(), n_free);
vector[n_free] upper_bound = rep_vector(positive_infinity(), n_free);
for (i in 1 : n_free) {
  if (n_bounds[i] > 0) {
    lower_bound[i] = prior_lower[i];
  }
  if (n_bounds[i] > 1) {
    upper_bound[i] = prior_upper[i];
  }
}
