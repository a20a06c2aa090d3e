int<lower=1> N; // observations
int<lower=1> K; // coefficients
int<lower=1, upper=K> Q; // coefficients that vary by participant
int<lower=1> J; // participants
array[Q] int<lower=1, upper=K> varying;
array[K - Q] int<lower=1, upper=K> fixed; // shared by all participants
array[N] int<lower=1, upper=J> participant;
matrix[N, K] X; // predictors; the first column is 1
vector<lower=0>[Q] prior_sigma_p_rate;
real<lower=0> prior_lkj_eta;
