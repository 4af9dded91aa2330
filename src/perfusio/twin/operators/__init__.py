"""Operators: their orders and holds, and the answer to each."""
