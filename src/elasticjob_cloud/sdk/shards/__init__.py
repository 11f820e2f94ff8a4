"""One shard in this process: its context, its kill, the task that code runs in."""
