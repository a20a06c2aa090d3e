#include priors/named.stan

vector[K] b = named[1 : K]; // population coefficients
if (K > 0) {
  b[1] -= dot_product(X_mean, b); // the prior is that of b[1] at the means of X
}
vector[M] sd = named[(K + 1) : (K + M)]; // SDs of groups' coefficients
