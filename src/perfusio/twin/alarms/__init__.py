"""Alarms: levels, which alarms a vessel gives now, and what became of each."""
