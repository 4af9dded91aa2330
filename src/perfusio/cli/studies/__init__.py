"""Commands for many virtual runs: studies and PerfusionBench."""
