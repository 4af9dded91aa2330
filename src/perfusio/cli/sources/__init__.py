"""Commands on sources of samples: files of instruments, OPC UA servers."""
