"""What a job author imports. Standard library only."""
