"""What callers send: bodies, parameters and names, read and checked."""
