"""HTTP/1.1 with bounds: connections, bytes and time."""
