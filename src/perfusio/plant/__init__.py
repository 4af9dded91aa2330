"""The simulated truth. The twin never sees it: it knows more about cells than the model is told."""
