"""Virtual cultures under a controller: what goes wrong in them, how they are steered, how the course is judged."""
