"""Samples: read, put into their turns, checked, admitted onto the record."""
