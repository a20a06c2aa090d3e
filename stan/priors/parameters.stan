// parameters that are not constant
vector<lower=lower_bound, upper=upper_bound>[n_free] free;
