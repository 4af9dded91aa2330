"""Trials of the record: forgeries and power loss."""
