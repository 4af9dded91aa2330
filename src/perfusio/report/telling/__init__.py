"""Parts of a run told in lines: its opening, its table of days."""
