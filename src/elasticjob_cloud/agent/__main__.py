"""`python -m elasticjob_cloud.agent --directory DIR`: the agent process, as the local engine starts it."""

import argparse
import asyncio
import contextlib
import logging
import logging.handlers
import os
import resource
import sys
from pathlib import Path
from typing import NoReturn

import msgspec
import structlog

from elasticjob_cloud.agent.process.own_memory import hide_from_jobs
from elasticjob_cloud.agent.process.start.inherited_state import take_known_state
from elasticjob_cloud.agent.scheduler_link.directory import AgentDirectory
from elasticjob_cloud.agent.scheduler_link.server import AgentServer
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.masking import mask_record

_LOG_BYTES = 5 << 20
_LOG_FILES = 2
_OPEN_MAX = 10_240
_BAD_SETTINGS = 2
_CANNOT_WORK = 4
ALREADY_RUNS = 75  # the exit code when another agent has the directory


def main() -> int:
    """Run an agent until it is over; give the exit code."""
    take_known_state()
    hide_from_jobs()
    parser = argparse.ArgumentParser(prog="python -m elasticjob_cloud.agent")
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument(
        "--settings", default="{}", help="AgentSettings as JSON; - has them read from the input"
    )
    parser.add_argument(
        "--starter", type=int, help="the process whose scheduler is obeyed first, while it lives"
    )
    parser.add_argument(
        "--detach", action="store_true", help="wait for the agent's end in a process that nothing depends on"
    )
    arguments = parser.parse_args()
    if arguments.detach:
        _detach()
    try:
        # The starter sends them on stdin: every user can read the arguments of a process.
        given = sys.stdin.buffer.read() if arguments.settings == "-" else arguments.settings
        settings = msgspec.json.decode(given, type=AgentSettings)
    except msgspec.MsgspecError as error:
        return _refuse(f"The agent's settings cannot be read: {error}.", _BAD_SETTINGS)
    try:
        return _serve(arguments.directory, settings, arguments.starter)
    except StartError as error:
        return _refuse(str(error), _CANNOT_WORK)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        return _refuse(
            f"The agent cannot work in {arguments.directory}: {error.strerror}{where}.", _CANNOT_WORK
        )


def _serve(path: Path, settings: AgentSettings, starter: int | None) -> int:
    directory = AgentDirectory(path)
    lock = directory.lock()
    if lock is None:
        return _refuse(f"Another agent has {directory.path}.", ALREADY_RUNS)
    _configure_log(directory.log)
    inherited = _raise_file_limit()
    file_limit = settings.open_files or inherited
    # asyncio's own loop, never uvloop, which starts processes five times slower.
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    runner.run(AgentServer(directory, settings, file_limit, starter).run())
    # The runner is not closed: that would wait for threads, and one may hang (see `_leave`).
    return 0


def _refuse(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
    return code


def _detach() -> None:
    """Go on in a child with a session of its own; this process waits for its end, to tell its exit code."""
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    os.setsid()


def _configure_log(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOG_FILES)
    handler.setFormatter(logging.Formatter("%(message)s"))
    # A full disk must not fill it further with the traces of what cannot be logged.
    logging.raiseExceptions = False
    logging.basicConfig(handlers=[handler], level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_record,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _raise_file_limit() -> int:
    """Give the soft limit before, which tasks keep."""
    # Each running script takes three descriptors.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # macOS calls its hard limit infinite, and refuses more than OPEN_MAX.
    for wanted in (hard, _OPEN_MAX):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            break
    return soft


def _leave(code: int) -> NoReturn:
    """End without waiting for threads: one may hang on a disk or a server, and keep the directory from a successor."""
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
