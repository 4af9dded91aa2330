"""Loop: how a run begins, what is done in a turn, and what goes on beside the turns."""
