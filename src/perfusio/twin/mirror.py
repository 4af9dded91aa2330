"""Old name of `perfusio.record.mirror`; it stays."""

from perfusio.record.mirror import BATCH, CLOSING_S, Mirror, RecordIndex, T, copy_record

__all__ = ["BATCH", "CLOSING_S", "Mirror", "RecordIndex", "T", "copy_record"]
