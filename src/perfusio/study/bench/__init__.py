"""PerfusionBench: a versioned cohort of virtual perfusion cultures on which any controller can be scored."""

VERSION = "1.0"
"""Of cohort, scenarios and scores; results of one version can be compared."""
