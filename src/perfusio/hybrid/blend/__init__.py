"""Forecasts of the hybrid model and its rivals as one, weighed by runs that were left out."""
