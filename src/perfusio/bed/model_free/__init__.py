"""Holding a density from counts alone, without rate laws: the rival in tracking, and a controller to fall back on."""
