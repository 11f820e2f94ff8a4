"""The core: fires, ready queue, placement, tasks, agents. Pure: no I/O, no clock, no threads, no randomness."""
