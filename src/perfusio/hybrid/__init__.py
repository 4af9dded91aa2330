"""The belief about the vessel: mass balances with simple kinetics, and Gaussian processes for what they miss."""
