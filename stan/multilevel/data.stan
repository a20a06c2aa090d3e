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
vector[K] X_mean; // means of X where the intercept's prior is; the first is 0
vector<lower=0>[P] partial_shape; // LKJ's, of partial correlations
#include priors/data.stan
