"""Expressions of quantities with units: read by a grammar of their own, checked, and computed along forecasts."""
