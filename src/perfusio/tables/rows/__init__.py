"""Rows: checked samples, and the table that holds them."""
