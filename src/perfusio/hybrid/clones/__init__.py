"""Cell lines: distances, embedding, and transfer between relatives."""
