"""Old name of `perfusio.connectors.opc_ua.node_map`; it stays."""

from perfusio.connectors.opc_ua.node_map import node_map_of, read_node_map

__all__ = ["node_map_of", "read_node_map"]
