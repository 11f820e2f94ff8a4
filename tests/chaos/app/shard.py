"""The app of the fault tests: shards that write down, in a file of their host, when and where they run.

A line is `MARK NANOSECONDS HOST PID TASK`: START, then BEAT every 0.1 s, then END. Each is one write in append mode, so
that what was written stays whoever is killed when; the clock is that of the machine's start, which all hosts share.
As a script: `python -IS shard.py CONTEXT`. As a job of the SDK: `python -m elasticjob_cloud shard:BeatJob`.
The job parameter is JSON: `{"directory": where the files are, "seconds": how long a shard runs}`.
"""

import json
import os
import socket
import time
from collections.abc import Callable

_BEAT_SECONDS = 0.1


def run_shard(task_id: str, directory: str, seconds: float) -> None:
    """Run for so long, and tell of it."""
    host = socket.gethostname()
    file = os.open(f"{directory}/{host}.lines", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        tell = _teller(file, host, task_id)
        until = time.monotonic() + seconds
        tell("START")
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(_BEAT_SECONDS, left))
            tell("BEAT")
        tell("END")
    finally:
        os.close(file)


def _teller(file: int, host: str, task_id: str) -> Callable[[str], None]:
    def tell(mark: str) -> None:
        at_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        os.write(file, f"{mark} {at_ns} {host} {os.getpid()} {task_id}\n".encode())

    return tell


def beat(context: object) -> None:
    """The job of the SDK: a function of the sharding context, which is typed loosely so that a script needs no SDK."""
    parameter = json.loads(context.job_parameter)  # type: ignore[attr-defined]
    run_shard(context.task_id, **parameter)  # type: ignore[attr-defined]


if __name__ == "__main__":
    run_shard(os.environ["ELASTICJOB_TASK_ID"], **json.loads(os.environ["ELASTICJOB_JOB_PARAMETER"]))
