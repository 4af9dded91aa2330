"""Candidates: the plans that lead to them, and their simulated outcomes."""
