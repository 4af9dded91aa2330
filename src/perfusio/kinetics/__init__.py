"""Rate laws written by hand for named species, bound once to the panel of a process; generic terms for all others."""
