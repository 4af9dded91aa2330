"""Columns: from headers to quantities, units and times."""
