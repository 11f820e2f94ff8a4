"""Threads for calls that block: the store's, and those that may hang."""
