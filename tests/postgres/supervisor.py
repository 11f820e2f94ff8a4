"""Runs a PostgreSQL server as its only child, and ends it when whoever started this process is gone.

`python tests/postgres/supervisor.py USER SCRATCH COMMAND...`: USER is a number, or `-` for the present user. The command
lives until it ends by itself or until standard input is closed, which the kernel does even for a process that was
killed. Then the directory SCRATCH is removed.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading

import psutil

STOP_SECONDS = 5.0


def end(process: subprocess.Popen[bytes]) -> None:
    """End the server at once, also one that is frozen."""
    with contextlib.suppress(psutil.NoSuchProcess):
        tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for each in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGQUIT)
        _, alive = psutil.wait_procs(tree, STOP_SECONDS)
        for each in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()


def main() -> int:
    user, scratch, *command = sys.argv[1:]
    # A terminal's Ctrl-C is for the tests; they close our input in the end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number = None if user == "-" else int(user)
    process = subprocess.Popen(
        command,
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        user=number,
        group=number,
        extra_groups=None if number is None else [],
    )
    abandoned = threading.Event()

    def wait_for_the_end_of_input() -> None:
        os.read(0, 1)  # not `sys.stdin`, whose lock the end of the main thread would wait for
        abandoned.set()
        end(process)

    threading.Thread(target=wait_for_the_end_of_input, daemon=True).start()
    code: int = process.wait()
    if abandoned.is_set():
        shutil.rmtree(scratch, ignore_errors=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
