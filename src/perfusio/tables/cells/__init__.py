"""Cells: from the bytes of a file to lines of cells."""
