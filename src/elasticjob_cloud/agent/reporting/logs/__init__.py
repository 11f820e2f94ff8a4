"""Reads and searches what tasks printed, for those that ask."""
