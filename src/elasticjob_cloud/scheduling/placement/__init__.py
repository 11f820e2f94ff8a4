"""Where shards go: room, what runs ask for, agents, and the plan."""
