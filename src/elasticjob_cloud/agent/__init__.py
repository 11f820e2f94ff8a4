"""One on each machine: downloads apps, runs and watches processes, keeps their output, reports."""
