"""When crons are due: triggers, what waits to be recorded, and what was missed."""
