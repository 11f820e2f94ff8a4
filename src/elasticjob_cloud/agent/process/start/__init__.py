"""What a process starts with: its command, its environment and its signals, and why it did not start."""
