"""Old name of `perfusio.connectors.opc_ua.access`; it stays."""

from perfusio.connectors.opc_ua.access import Access as Access
from perfusio.connectors.opc_ua.access import Timing as Timing
