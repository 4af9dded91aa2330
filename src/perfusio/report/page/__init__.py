"""The report of a run: one page that needs nothing else, and the morning's page as a mail."""
