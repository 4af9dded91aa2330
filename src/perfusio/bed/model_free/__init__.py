"""Holding a density from counts alone: no rate law, no learning; the rival in tracking, and what one falls back on."""
