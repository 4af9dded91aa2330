"""Samples that cannot be: runs of virtual vessels in which one sample is false."""
