"""The fault harness: the promises on safety and record, tried on this machine."""
