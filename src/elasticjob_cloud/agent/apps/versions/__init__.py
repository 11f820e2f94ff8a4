"""Versions of apps on disk: how they are made, kept and deleted."""
