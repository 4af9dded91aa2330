"""What needs the extra `botorch`: the only place that imports torch, gpytorch or botorch."""
