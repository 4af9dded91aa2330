"""REST interface under /api/v1, which the page itself uses."""
