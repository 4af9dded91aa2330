"""The process as it is run: what follows from measured quantities, and the rules that every setpoint must keep."""
