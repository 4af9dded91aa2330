"""Users of the page: who may do what, how they log in, and tokens of programs."""
