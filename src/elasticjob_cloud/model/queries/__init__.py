"""Questions to the trace tables, and their answers."""
