"""Command lines of script jobs: how they are read, and how long they may be."""
