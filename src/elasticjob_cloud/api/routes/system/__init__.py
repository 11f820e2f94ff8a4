"""Calls about the server itself: login, documents, operations, probes."""
