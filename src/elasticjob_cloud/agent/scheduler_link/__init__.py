"""The link to the scheduler: the agent's directory and socket, its messages, heartbeats and fence."""
