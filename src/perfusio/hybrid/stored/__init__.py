"""Stored models: names of array places, packing, draws of earlier versions."""
