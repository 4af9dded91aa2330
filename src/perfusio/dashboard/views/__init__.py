"""Views: what the page shows of a run, as plain data. Pure functions of a followed run."""
