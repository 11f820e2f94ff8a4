"""What the core knows, and the turn that alone changes it."""
