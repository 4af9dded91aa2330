"""The folder of orders within that of a run."""

from __future__ import annotations

FOLDER = "orders"
REFUSED, LIFTED = "refused", "lifted"
"""Folders within that of the orders: files that were no orders, and released holds."""
