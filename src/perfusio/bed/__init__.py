"""Bayesian experimental design: what to do next, given what the model believes."""
