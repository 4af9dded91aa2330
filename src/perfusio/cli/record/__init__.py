"""Commands on the record of a run."""
