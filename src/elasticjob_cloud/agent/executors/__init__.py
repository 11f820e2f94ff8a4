"""App executors, and the tasks that each of them has."""
