"""Deciding: the model and the policy of a run, saved, named on record, and kept from doing harm."""
