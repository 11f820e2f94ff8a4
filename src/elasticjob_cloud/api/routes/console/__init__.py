"""Calls made for the console: what has changed, and the figures of its first page."""
