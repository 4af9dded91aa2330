"""Proof of a record: signed heads, the published shape, and two verifiers that share no code."""
