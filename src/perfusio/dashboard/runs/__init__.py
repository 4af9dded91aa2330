"""Runs as the page knows them: their records, followed line by line through the one fold."""
