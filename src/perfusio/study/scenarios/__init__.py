"""Studies: scenarios in a file, their runs as tasks, the results as tables and a report."""
