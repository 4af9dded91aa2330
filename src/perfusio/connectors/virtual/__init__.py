"""Virtual vessels: the plant behind the protocol of real hardware, and what goes wrong with its link."""
