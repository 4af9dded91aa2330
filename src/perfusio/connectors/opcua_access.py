"""Old name of `perfusio.connectors.opc_ua.access`; it stays."""

from perfusio.connectors.opc_ua.access import Access, Timing

__all__ = ["Access", "Timing"]
