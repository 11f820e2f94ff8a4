"""From a fire that waits to tasks that end: launches, statuses, restarts."""
