"""Candidates: the plans that lead to them, and what became of those that were played and judged."""
