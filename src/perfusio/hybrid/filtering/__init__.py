"""What is believed of a vessel: how a belief moves, takes samples in, and is smoothed."""
