"""What follows from the record of a run alone: the samples of each vessel and the setpoints in force between them."""
