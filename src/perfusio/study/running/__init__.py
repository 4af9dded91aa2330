"""Tasks of a study and where they run: in this process, in others, on a cluster; each result is kept as it comes."""
