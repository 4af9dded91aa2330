"""Trials of the guard, and mutations of it."""
