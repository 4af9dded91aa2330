"""What a run looks like on paper: plots and pages for people."""
