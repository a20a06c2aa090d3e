int<lower=0> n_parameters; // parameters with a named prior
int<lower=0, upper=n_parameters> n_free; // those that are not constant
// of each parameter in (free, constants)
array[n_parameters] int<lower=1, upper=n_parameters> position;
vector[n_parameters - n_free] constants;
array[n_free] int<lower=0, upper=2> n_bounds; // none, a lower one, two
vector[n_free] prior_lower; // 0 where there is none
vector[n_free] prior_upper;
// as in functions/named_prior.stan
array[n_free] int<lower=0> prior_distribution;
matrix[n_free, 3] prior_arguments;
real prior_log_mass; // log probability of the parameters' ranges, summed
