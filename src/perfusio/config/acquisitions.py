"""Names of acquisition functions and of searches for their best point."""

from __future__ import annotations

SINGLE_OBJECTIVE: tuple[str, ...] = ("PI", "EI", "LogEI", "UCB", "qEI", "qLogEI", "qUCB")
"""Acquisition functions of one number; several objectives are weighed into a sum for them."""
MULTI_OBJECTIVE: tuple[str, ...] = ("qEHVI", "qNEHVI", "qNParEGO", "qLogNEHVI")
"""Acquisition functions of two objectives or more, which they do not add up."""
ACQUISITIONS: tuple[str, ...] = SINGLE_OBJECTIVE + MULTI_OBJECTIVE
SEARCHES: tuple[str, ...] = ("cross-entropy", "gradient")
