"""Databases: samples, setpoints and the index of a record, on SQLite or PostgreSQL."""
