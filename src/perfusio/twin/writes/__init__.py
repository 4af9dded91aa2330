"""Writes: the guard, the first look at a vessel, and the only road to its setpoints."""
