int<lower=1> N; // observations
int<lower=0> K; // population coefficients
matrix[N, K] X; // their predictors
vector[N] offsets; // known parts of the linear predictor
int<lower=0> T; // terms in parentheses, whose coefficients vary by group
array[T] int<lower=1> Q; // coefficients of every term
array[T] int<lower=1> J; // its groups
int<lower=0> M; // coefficients of all terms
int<lower=0> P; // their correlations
int<lower=0> R; // the coefficients of all groups
matrix[N, M] Z; // predictors of the terms' coefficients
array[M, N] int<lower=1, upper=R> place; // of an observation's groups in R
array[M] int<lower=1, upper=K + 1> centre; // their means in b; K + 1: mean 0
int<lower=0, upper=K> F; // population coefficients that are no means
array[F] int<lower=1, upper=K> fixed;
vector[K] prior_b_mean;
vector<lower=0>[K] prior_b_sd;
vector<lower=0>[M] prior_sd_rate;
vector<lower=0>[P] prior_partial_shape; // LKJ's, of partial correlations
