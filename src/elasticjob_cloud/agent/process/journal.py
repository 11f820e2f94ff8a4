"""The record of live processes on disk, by which a new agent ends what a killed predecessor left behind.

An entry is a pid and the span of boot-clock ticks in which it was started: no read of /proc for each start, and enough
to tell a process from a later one of the same pid.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

from elasticjob_cloud.agent.process.start.environment import AGENT_VARIABLE
from elasticjob_cloud.agent.process.table import (
    ProcessRow,
    boot_ticks,
    read_environment,
    read_process,
    read_processes,
)

_log = structlog.get_logger(__name__)
_COMPACT_BYTES = 1 << 20
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_END_DEADLINE_SECONDS = 20.0


class JournalEntry(NamedTuple):
    """A process that was started between these ticks of the boot clock."""

    pid: int
    earliest_ticks: int
    latest_ticks: int

    def matches(self, row: ProcessRow) -> bool:
        """Whether this is that very process, not a later one of its pid."""
        return row.pid == self.pid and self.precedes(row) and row.start_ticks <= self.latest_ticks + 1

    def precedes(self, row: ProcessRow) -> bool:
        """Whether that process started with this one or after it."""
        return row.start_ticks >= self.earliest_ticks - 1


def boot_clock() -> float:
    """Read the clock that the kernel stamps processes with, in seconds."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.time()


class Journal(NamedTuple):
    """What a journal tells: whose it is, the session that all its processes were started in, and those that ran last."""

    agent_id: str
    session: int
    entries: list[JournalEntry]


class ProcessJournal:
    """The file of live processes. A disk that cannot be written costs the record, not the task.

    What it has cost is written as soon as there is room: with a whole new file, in place of one that lacks something.
    """

    def __init__(self, path: Path, agent_id: str) -> None:
        self._path = path
        self._agent_id = agent_id
        self._live: dict[int, bytes] = {}
        self._descriptor = -1
        self._size = 0
        self._is_whole = True
        self._is_closed = False
        self._compact()

    def started(self, pid: int, earliest: float, latest: float) -> None:
        """Record a process that was just started."""
        line = b"+ %d %d %d\n" % (pid, boot_ticks(earliest), boot_ticks(latest))
        self._live[pid] = line
        self._append(line)

    def ended(self, pid: int) -> None:
        """Record that the process and all that it started are gone."""
        if self._live.pop(pid, None) is not None:
            self._append(b"- %d\n" % pid)

    def close(self) -> None:
        """Stop recording."""
        self._is_closed = True
        self._let_go()

    def _append(self, line: bytes) -> None:
        if self._is_closed:
            return
        if self._is_whole:
            self._write(line)
        if not self._is_whole or self._size > _COMPACT_BYTES + 2 * len(self._live) * 64:
            self._compact()

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            self._fail(error)
            return
        self._size += written
        # On a disk that has just become full it may be the beginning of the line.
        self._is_whole = written == len(line)

    def _compact(self) -> None:
        header = f"agent {self._agent_id} {read_boot_id()} {os.getsid(0)}\n".encode()
        content = b"".join([header, *self._live.values()])
        temporary = self._path.with_suffix(".new")
        try:
            temporary.write_bytes(content)
            temporary.replace(self._path)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        except OSError as error:
            self._fail(error)
            return
        self._let_go()
        self._descriptor = descriptor
        self._size = len(content)
        self._is_whole = True

    def _fail(self, error: OSError) -> None:
        if self._is_whole:
            _log.warning("The process journal cannot be written; trying again.", error=str(error))
        self._is_whole = False

    def _let_go(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def end_predecessors_processes(path: Path) -> int:
    """End all that the agent which wrote this journal left behind; give how many processes that were.

    They are found by pid and start time, by process group, and by the agent's id in their environment, so that neither a new
    group nor a cleaned environment alone hides one. Blocks until all are gone, some seconds at most.
    """
    journal = read_journal(path)
    if journal is None:
        return 0
    return end_all(lambda: find_left_behind(journal, read_processes(), read_environment))


def end_all(find: Callable[[], set[int]]) -> int:
    """Kill what `find` finds until it finds nothing; give how many processes that were."""
    ended: set[int] = set()
    deadline = time.monotonic() + _END_DEADLINE_SECONDS
    while found := find():
        ended |= found
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            _log.error("Processes cannot be ended.", pids=sorted(found))
            break
        time.sleep(0.005)
    return len(ended)


def find_left_behind(
    journal: Journal, processes: dict[int, ProcessRow], environment_of: Callable[[int], bytes]
) -> set[int]:
    """Give which of these processes come from the agent that wrote the journal; never one that only has an old number."""
    mark = f"{AGENT_VARIABLE}={journal.agent_id}\0".encode()
    rows = {pid: row for pid, row in processes.items() if not row.zombie and pid != os.getpid()}
    entries = journal.entries
    mains = {entry.pid for entry in entries if (row := rows.get(entry.pid)) and entry.matches(row)}
    # A leader that is gone leaves its number to its group. Once the group is gone too the number may come to a stranger's
    # group, but hardly in the session of an agent that is no more, and with nothing before the entry's time.
    leaderless = {entry.pid: entry for entry in entries if entry.pid not in rows}

    def is_member(row: ProcessRow) -> bool:
        entry = leaderless.get(row.group)
        return entry is not None and row.session == journal.session and entry.precedes(row)

    found = {
        pid
        for pid, row in rows.items()
        if pid in mains or row.group in mains or is_member(row) or mark in environment_of(pid)
    }
    return found | _descendants(rows, found)


def _descendants(rows: dict[int, ProcessRow], roots: set[int]) -> set[int]:
    found: set[int] = set()
    more = roots
    while more:
        more = {
            pid for pid, row in rows.items() if row.parent in more and pid not in found and pid not in roots
        }
        found |= more
    return found


def read_journal(path: Path) -> Journal | None:
    """Read a journal; None when there is none, or the machine was restarted since."""
    try:
        return parse_journal(path.read_bytes(), read_boot_id())
    except OSError:
        return None


def parse_journal(content: bytes, boot_id: str) -> Journal | None:
    """Read the content of a journal; None when it is none, or of another life of the machine than this."""
    # What comes after the last end of a line was torn, and may look like a whole line of another meaning.
    header, *lines = content[: content.rfind(b"\n") + 1].splitlines() or [b""]
    words = header.split()
    if len(words) != 4 or words[0] != b"agent" or words[2] != boot_id.encode() or not words[3].isdigit():
        return None
    live: dict[int, JournalEntry] = {}
    for line in lines:
        _replay(line.split(), live)
    return Journal(words[1].decode(errors="replace"), int(words[3]), list(live.values()))


def _replay(words: list[bytes], live: dict[int, JournalEntry]) -> None:
    # A file that was damaged must cost no more than what is damaged.
    with contextlib.suppress(ValueError, IndexError):
        if words[0] == b"+":
            pid, earliest, latest = (int(word) for word in words[1:4])
            live[pid] = JournalEntry(pid, earliest, latest)
        elif words[0] == b"-":
            live.pop(int(words[1]), None)


def read_boot_id() -> str:
    """Tell this life of the machine from all others, and from those of other machines, where it can be told."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return "unknown-boot"


def is_running(pid: int, start_ticks: int) -> bool:
    """Whether the process of that pid and start time still runs."""
    row = read_process(pid)
    return row is not None and not row.zombie and row.start_ticks == start_ticks
