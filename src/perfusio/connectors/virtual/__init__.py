"""Virtual vessels: the plant behind the protocol of real hardware, and faults of its link."""
