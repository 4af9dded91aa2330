"""State: the logbook of a run, who may write to a vessel, and the facts of a day as events."""
