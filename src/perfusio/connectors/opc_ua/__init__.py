"""OPC UA: security, session, node map, samples and writes of one server."""
