"""From estimates to performance measures with Monte Carlo standard errors."""
