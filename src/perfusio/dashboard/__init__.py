"""The page that people keep open, and its REST interface: reads the record, gives orders, never runs the twin."""
