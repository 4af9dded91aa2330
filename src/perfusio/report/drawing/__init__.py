"""Parts of figures: one panel in its axes, labels that stand apart."""
