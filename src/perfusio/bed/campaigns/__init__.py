"""Off-line campaigns: first designs, batches of recipes, recommendations."""
