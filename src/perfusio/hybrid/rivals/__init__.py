"""Forecasters without balances, which the hybrid model has to beat."""
