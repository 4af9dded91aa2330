"""Trials of a twin that is killed and resumed."""
