"""Script tasks: a process for each, or one for each fire of a daemon."""
