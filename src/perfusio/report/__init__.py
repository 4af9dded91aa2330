"""A run on paper: plots and pages for people."""
