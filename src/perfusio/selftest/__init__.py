"""The fault harness: what perfusio promises about safety and record, tried on this machine."""
