"""Changes: the effect of each kind of event on the state of a run; `apply_event` picks the one."""
