"""A main process and all that came of it."""

from collections.abc import Callable

from elasticjob_cloud.agent.process.table import ProcessTable, read_command


class Tree:
    """A main process and all that came of it. `mark` is the value of `OWNER_VARIABLE` in their environment."""

    __slots__ = (
        "ended",
        "escaped",
        "grace_ends",
        "group_gone",
        "is_signalled",
        "left",
        "main",
        "mark",
        "memory_limit",
        "on_gone",
        "on_memory_exceeded",
        "sweeps",
    )

    def __init__(self, main: int, mark: str, on_gone: Callable[[], None]) -> None:
        self.main = main
        self.mark = mark
        self.on_gone = on_gone
        self.ended = False
        # By the loop's clock: until then its other processes have time, when its main process ends first.
        self.grace_ends: float | None = None
        # Whether anybody has ended it; and what was left running when its main process ended by itself, by pid.
        self.is_signalled = False
        self.left: dict[int, str] = {}
        self.group_gone = False
        self.sweeps = 0  # how often what is left of it was killed
        # Bytes, and what to do with the bytes found when they are more.
        self.memory_limit: Callable[[], int] | None = None
        self.on_memory_exceeded: Callable[[int, int], None] | None = None
        # Members outside the group that a look at the process table, or at orphans, has shown: pid and start time.
        self.escaped: set[tuple[int, int]] = set()

    def members(self, table: ProcessTable) -> set[int]:
        """Give its living processes, by their parents and their group, with those that were seen to leave it."""
        rows = table.rows
        roots = [
            self.main,
            *(pid for pid, start in self.escaped if pid in rows and rows[pid].start_ticks == start),
        ]
        found: set[int] = set()
        while roots:
            pid = roots.pop()
            if pid in rows and pid not in found:
                found.add(pid)
                roots += table.children.get(pid, ())
        found.update(table.groups.get(self.main, ()))
        return {pid for pid in found if not rows[pid].zombie}

    def outside_group(self, table: ProcessTable, members: set[int]) -> set[tuple[int, int]]:
        """Give the pid and start time of those members that have left its group."""
        rows = table.rows
        return {(pid, rows[pid].start_ticks) for pid in members if rows[pid].group != self.main}

    def note_left(self, pid: int) -> None:
        """Note a process that its main process left running when it ended by itself."""
        if not self.is_signalled and pid not in self.left:
            self.left[pid] = read_command(pid)
