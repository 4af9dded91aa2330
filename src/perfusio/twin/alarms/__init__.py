"""Alarms: levels, which alarms a vessel gives now, and the history of each."""
