"""Reads which processes there are, whose children they are, and what memory they use."""

import contextlib
import os
import sys
import threading
from typing import NamedTuple

import psutil

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_COMMAND_BYTES = 1024
_COMMAND_CHARACTERS = 80
HAS_PROC = sys.platform == "linux"
# Kernels that were built small (without CONFIG_PROC_CHILDREN) do not list them: then all processes are searched.
_HAS_CHILDREN = HAS_PROC and os.path.exists("/proc/thread-self/children")  # noqa: PTH110 - as its neighbours


class ProcessRow(NamedTuple):
    """One process. `start_ticks`: clock ticks since the machine started, which with the pid names one process for good."""

    pid: int
    parent: int
    group: int
    start_ticks: int
    memory_bytes: int
    zombie: bool
    session: int = 0
    is_busy: bool = False  # it runs, or waits for a disk; not: it sleeps


def read_process(pid: int) -> ProcessRow | None:
    """Read one process, or None when there is none of that pid."""
    if not HAS_PROC:
        return _read_portably(pid)
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - hot
            content = file.read(1024)
    except OSError:
        return None
    # The command's name may hold anything, parentheses included: what follows the last one is plain.
    fields = content[content.rfind(b")") + 2 :].split()
    return ProcessRow(
        pid,
        int(fields[1]),
        int(fields[2]),
        int(fields[19]),
        int(fields[21]) * _PAGE_BYTES,
        fields[0] in b"ZX",
        int(fields[3]),
        fields[0] in b"RD",
    )


class ProcessTable:
    """All processes at one moment, found by parent and by group without a search."""

    __slots__ = ("children", "groups", "rows")

    def __init__(self, rows: dict[int, ProcessRow]) -> None:
        self.rows = rows
        self.children: dict[int, list[int]] = {}
        self.groups: dict[int, list[int]] = {}
        for row in rows.values():
            self.children.setdefault(row.parent, []).append(row.pid)
            self.groups.setdefault(row.group, []).append(row.pid)


def read_family() -> dict[int, ProcessRow]:
    """Read this process's descendants alone: cheaper than all processes, while they are few. All, where that is no help."""
    if not _HAS_CHILDREN:
        return read_processes()
    rows: dict[int, ProcessRow] = {}
    unread = read_own_children()
    while unread:
        pid = unread.pop()
        row = read_process(pid)
        if row is not None and pid not in rows:
            rows[pid] = row
            unread += read_children(pid)
    return rows


def read_processes() -> dict[int, ProcessRow]:
    """Read all processes of this machine (or this container)."""
    names = os.listdir("/proc") if HAS_PROC else map(str, psutil.pids())  # noqa: PTH208 - hot
    rows = (read_process(int(name)) for name in names if name.isdecimal())
    return {row.pid: row for row in rows if row is not None}


class MemoryUse(NamedTuple):
    """What a process uses that the kernel cannot take back: memory of its own, and shared memory."""

    anonymous: int
    shared: int


def read_memory(pid: int) -> MemoryUse | None:
    """Read a process's use from the kernel's counters; what several share counts for each. None: the kernel does not tell."""
    fields = _read_kibibytes(f"/proc/{pid}/status", (b"RssAnon:", b"RssShmem:"))
    return MemoryUse(*fields) if fields is not None else None


def read_proportional_memory(pid: int) -> MemoryUse | None:
    """Read a process's proportional share: what several share counts once. Takes longer. None: the kernel does not tell."""
    fields = _read_kibibytes(f"/proc/{pid}/smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:"))
    return MemoryUse(*fields) if fields is not None else None


def _read_kibibytes(path: str, names: tuple[bytes, bytes]) -> tuple[int, int] | None:
    found: dict[bytes, int] = {}
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as its neighbours
            for line in file:
                name, _, rest = line.partition(b" ") if b"\t" not in line else line.partition(b"\t")
                if name in names:
                    found[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError):
        return None
    return (found[names[0]], found[names[1]]) if len(found) == len(names) else None


def read_own_children() -> list[int]:
    """Give the pids of this process's children, adopted orphans included; to be called by the thread that starts them.

    The kernel keeps children by thread, and gives orphans to the first thread. Other threads' are not looked at: theirs are
    no tasks.
    """
    if not _HAS_CHILDREN:
        return read_children(os.getpid())
    threads = {os.getpid(), threading.get_native_id()}
    return [child for thread in threads for child in _read_children_of_thread("self", thread)]


def read_children(pid: int) -> list[int]:
    """Give the pids of a process's children; none when it is gone."""
    if not _HAS_CHILDREN:
        return [row.pid for row in read_processes().values() if row.parent == pid]
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - hot
    except OSError:
        return []
    return [child for thread in threads for child in _read_children_of_thread(pid, thread)]


def _read_children_of_thread(pid: int | str, thread: int | str) -> list[int]:
    children: list[int] = []
    with (
        contextlib.suppress(OSError),
        open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as file,  # noqa: PTH123 - hot
    ):
        while part := file.read(1 << 16):
            children += map(int, part.split())
    return children


def read_environment(pid: int) -> bytes:
    """Give the environment that a process was started with: `NAME=value`, NUL after each; empty when it is not ours to see."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as its neighbours
            return file.read()
    except OSError:
        return b""


def read_command(pid: int) -> str:
    """Give the command line of a process, for people to read; empty when it is gone."""
    try:
        if HAS_PROC:
            with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - as its neighbours
                words = file.read(_COMMAND_BYTES).decode(errors="replace").split("\0")
        else:
            words = psutil.Process(pid).cmdline()
    except (psutil.Error, OSError):
        return ""
    return " ".join(" ".join(words).split())[:_COMMAND_CHARACTERS]


def boot_ticks(clock_seconds: float) -> int:
    """Turn a reading of the boot clock into the ticks that `start_ticks` counts in."""
    return int(clock_seconds * _TICKS_PER_SECOND)


def _read_portably(pid: int) -> ProcessRow | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            return ProcessRow(
                pid,
                process.ppid(),
                os.getpgid(pid),
                boot_ticks(process.create_time()),
                process.memory_info().rss,
                process.status() == psutil.STATUS_ZOMBIE,
                os.getsid(pid),
            )
    except (psutil.Error, OSError):
        return None
