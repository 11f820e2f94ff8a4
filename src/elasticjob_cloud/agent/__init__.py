"""One agent on each machine: it downloads apps, runs and watches processes, keeps their output, and reports.

The packages from top to bottom, each of which imports only those below it: `scheduler_link`, `executors` and `scripts`,
`machine`, `process`, `apps` and `reporting`.
"""
