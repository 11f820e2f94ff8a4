"""The calls, one file for each resource."""
