"""Virtual cultures under a controller: their troubles, their controllers, and how the course is judged."""
