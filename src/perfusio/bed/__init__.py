"""Bayesian experimental design: the next setpoints, chosen by a utility over the model's forecasts."""
