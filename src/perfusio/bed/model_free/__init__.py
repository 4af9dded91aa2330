"""Holding a density from counts alone: no rate law, no learning; the rival in tracking, and the controller to fall back on."""
