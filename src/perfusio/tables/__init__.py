"""Tables: from the files of people and instruments to checked samples and runs, and back."""
