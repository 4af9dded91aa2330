"""Old name of `perfusio.tables.runs_from_files`; it stays."""

from perfusio.tables.runs_from_files import RUNS_FILE, read_runs, run_of

__all__ = ["RUNS_FILE", "read_runs", "run_of"]
