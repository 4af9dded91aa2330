"""Trials of the loop: clocks, outages, people, models that break, long runs."""
