"""Numbers and pictures of a run for other programs: files, metrics, a board."""
