"""Changes: what each kind of event makes of the state of a run; `apply_event` picks the one."""
