"""A run as its record tells it, in the rows that reports and figures show."""
