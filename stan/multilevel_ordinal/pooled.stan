/**
 * One line for all participants, ordered categories:
 *   y_i ~ ordered_logistic(X_i beta, c), beta[1] = 0
 *
 * The thresholds c replace an intercept. The model treats the observations of
 * a participant as independent. If participants differ, its intervals are too
 * narrow, and beta and c are those of the population's average, which are
 * closer to 0 than those of a participant. Zeger, Liang & Albert (1988),
 * doi:10.2307/2531734.
 */
data {
  int<lower=1> N; // observations
  int<lower=2> K; // coefficients
  int<lower=3> C; // categories
  matrix[N, K] X; // predictors; the first column is 1
  array[N] int<lower=1, upper=C> y; // outcome
  vector[K - 1] prior_beta_mean;
  vector<lower=0>[K - 1] prior_beta_sd;
  real prior_c_mean;
  real<lower=0> prior_c_sd;
}
transformed data {
  matrix[N, K - 1] predictors = X[ : , 2 : K];
}
parameters {
  vector[K - 1] slopes;
  ordered[C - 1] c; // thresholds
}
transformed parameters {
  vector[K] beta = append_row(0, slopes);
}
model {
  slopes ~ normal(prior_beta_mean, prior_beta_sd);
  c ~ normal(prior_c_mean, prior_c_sd);
  y ~ ordered_logistic_glm(predictors, slopes, c);
}
