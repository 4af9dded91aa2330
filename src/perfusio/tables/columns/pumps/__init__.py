"""The meaning of a sheet of pump rates."""
