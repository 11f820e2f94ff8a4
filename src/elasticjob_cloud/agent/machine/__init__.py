"""The machine that the agent is on: its capacity, its control groups and its sockets."""
