"""What the agent reports of its tasks, and the output that it keeps of them."""
