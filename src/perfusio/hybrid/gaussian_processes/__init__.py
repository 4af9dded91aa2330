"""Gaussian processes: kernel, likelihood, exact and sparse conditioning, function draws."""
