"""Old name of `perfusio.bed.shared_limits`; it stays."""

from perfusio.bed.shared_limits import SLACK, SharedLimit, fair_level, narrowed

__all__ = ["SLACK", "SharedLimit", "fair_level", "narrowed"]
