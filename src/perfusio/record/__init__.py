"""The record of a run: its file and hashes, the state that is folded from it, and its derivatives."""
