"""What is kept of what a task prints, and of texts that are too long: one rule for agent, SDK and store."""
