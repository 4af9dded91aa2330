"""Delivery of alarms to people: log file, e-mail, chat; beside the control loop, never on it."""
