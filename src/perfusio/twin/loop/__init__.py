"""Loop: the beginning of a run, its turns, and tasks beside the turns."""
