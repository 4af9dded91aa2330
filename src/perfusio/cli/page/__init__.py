"""Commands of the page: serving it, and its users."""
