"""Virtual closed-loop runs that the twin is held against: the same vessel under simpler hands."""
