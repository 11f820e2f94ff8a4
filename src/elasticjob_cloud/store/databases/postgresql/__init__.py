"""PostgreSQL: a server, one connection that writes, several that read."""
