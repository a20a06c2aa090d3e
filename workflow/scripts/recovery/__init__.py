"""Simulation studies of Bayesian models in Stan: the library behind the workflow's rules."""
