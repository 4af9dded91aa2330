"""The world: each connector maps foreign names, units and errors to ours."""
