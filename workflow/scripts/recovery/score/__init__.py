"""Compute performance measures, with Monte Carlo standard errors, from estimates."""
