"""Commands by which a person looks at a run or orders something of it."""
