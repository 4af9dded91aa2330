"""Parts that need the extra `botorch`: the only place that imports torch, gpytorch or botorch."""
