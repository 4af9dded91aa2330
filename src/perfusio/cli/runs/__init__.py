"""Commands that run a twin, and the display beside it."""
