"""Instruments: the layouts that instruments and historians write."""
