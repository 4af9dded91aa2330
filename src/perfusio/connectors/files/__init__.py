"""Files: sources that grow, drop folders, and the file that setpoints are written into."""
