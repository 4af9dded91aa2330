"""Scores of forecasts, and several forecasters compared."""
