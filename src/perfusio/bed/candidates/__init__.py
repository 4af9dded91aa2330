"""Candidates: the plans that lead to them, and the simulated outcomes of those that were judged."""
