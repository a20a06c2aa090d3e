/**
 * Learning from reward on a two-armed bandit: a delta rule with softmax choice,
 * participants' learning rates and inverse temperatures non-centred:
 *   logit(alpha[j]) ~ normal(mu[1], sigma[1]), log(tau[j]) ~ normal(mu[2], sigma[2])
 *   choice[t, j] ~ bernoulli_logit(tau[j] (Q_2 - Q_1))
 *   Q_c <- Q_c + alpha[j] (reward[t, j] - Q_c) for the arm c that was chosen
 *
 * One statement a trial, over all participants at once: a loop over them too would
 * cost dearly.
 */
data {
  int<lower=1> J; // participants
  int<lower=1> T; // trials
  array[T, J] int<lower=0, upper=1> choice; // of the second arm
  matrix<lower=0, upper=1>[T, J] reward;
  vector[2] prior_mu_mean;
  vector<lower=0>[2] prior_mu_sd;
  real<lower=0> prior_sigma_rate;
}
transformed data {
  matrix[J, T] second = to_matrix(choice)';
  matrix[J, T] r = reward';
}
parameters {
  vector[2] mu;
  vector<lower=0>[2] sigma;
  matrix[J, 2] z;
}
transformed parameters {
  vector[J] alpha = inv_logit(mu[1] + sigma[1] * z[ : , 1]); // learning rates
  vector[J] tau = exp(mu[2] + sigma[2] * z[ : , 2]); // inverse temperatures
}
model {
  vector[J] Q_1 = zeros_vector(J);
  vector[J] Q_2 = zeros_vector(J);
  for (t in 1 : T) {
    choice[t] ~ bernoulli_logit(tau .* (Q_2 - Q_1));
    Q_1 += alpha .* (1 - second[ : , t]) .* (r[ : , t] - Q_1);
    Q_2 += alpha .* second[ : , t] .* (r[ : , t] - Q_2);
  }
  mu ~ normal(prior_mu_mean, prior_mu_sd);
  sigma ~ exponential(prior_sigma_rate);
  to_vector(z) ~ std_normal();
}
