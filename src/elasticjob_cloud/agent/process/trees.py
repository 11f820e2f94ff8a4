"""Sees to it that a task's processes end with it: all of them, wherever they went (brief: nothing left behind).

Each main process leads a group of its own. What leaves the group is found by its parents, by the mark in its
environment, or by the last look at the process table; orphans come back to the agent, which is their subreaper. The
usual case, a script that leaves nothing, costs one `killpg` and a share in one read of the agent's children.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable

import structlog

from elasticjob_cloud.agent.process.lingering import Lingering, Rest
from elasticjob_cloud.agent.process.signals import (
    kill_family,
    kill_group,
    reap,
    signal_group,
    signal_process,
)
from elasticjob_cloud.agent.process.start.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.process.table import (
    ProcessRow,
    ProcessTable,
    read_command,
    read_environment,
    read_own_children,
    read_process,
    read_processes,
)

_log = structlog.get_logger(__name__)
_PR_SET_CHILD_SUBREAPER = 36
_FIRST_RETRY_SECONDS = 0.002
_LAST_RETRY_SECONDS = 0.1
# What cannot be killed (another user's by then) must not keep a task from its end.
_ATTEMPTS = 200


def become_subreaper() -> bool:
    """Let orphaned descendants become children of this process; False where the system has no such thing (macOS)."""
    if sys.platform != "linux":
        return False
    result: int = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return result == 0


class Tree:
    """A main process and all that came of it. `mark` is the value of `OWNER_VARIABLE` in their environment."""

    __slots__ = (
        "attempts",
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
        self.attempts = 0
        # Bytes, and what to do with the bytes found when they are more.
        self.memory_limit: Callable[[], int] | None = None
        self.on_memory_exceeded: Callable[[int, int], None] | None = None
        # Members outside the group that a look at the process table, or at orphans, has shown: pid and start time.
        self.escaped: set[tuple[int, int]] = set()


class ProcessTrees:
    """All process trees of an agent. Used on the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._trees: dict[int, Tree] = {}
        self._ended: list[Tree] = []
        self._sweep_soon: asyncio.Handle | None = None
        self._sweep_later: asyncio.TimerHandle | None = None
        self._own_group = os.getpgrp()
        # Children that were there before are none of ours: servers of a test, or of whoever has an agent in its process.
        self._foreign = {(pid, row.start_ticks) for pid in read_own_children() if (row := read_process(pid))}
        self._lingering = Lingering(loop, _read_what_can_be)
        # Orphans of unknown origin, with the trees that they may have come from.
        self._unclaimed: dict[tuple[int, int], set[int]] = {}

    def __len__(self) -> int:
        return len(self._trees)

    def __contains__(self, pid: int) -> bool:
        """Whether it is the main process of a tree, which is reaped at the tree's own time."""
        return pid in self._trees

    def add(self, main: int, mark: str, on_gone: Callable[[], None]) -> Tree:
        """Take a process that was just started as the main one of a tree."""
        tree = self._trees[main] = Tree(main, mark, on_gone)
        return tree

    def drop(self, tree: Tree) -> None:
        """Forget a tree whose main process was ended and reaped; what it left, the next look finds by its mark."""
        del self._trees[tree.main]

    def main_exited(self, tree: Tree) -> None:
        """End what is left of a tree whose main process was reaped, and call its `on_gone` when nothing is."""
        tree.ended = True
        self._ended.append(tree)
        self.sweep_soon()

    def note_left(self, tree: Tree) -> None:
        """Note what still runs of a tree whose main process is gone, before it is ended."""
        for pid in read_own_children():
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(pid) == tree.main and (row := read_process(pid)) and not row.zombie:
                    self._note_left(tree, pid)

    @staticmethod
    def _note_left(tree: Tree, pid: int) -> None:
        if not tree.is_signalled and pid not in tree.left:
            tree.left[pid] = read_command(pid)

    def linger(
        self,
        tree: Tree,
        deadline: float,
        is_over: Callable[[list[ProcessRow]], bool],
        on_over: Callable[[], None],
    ) -> None:
        """Give a tree whose main process has ended, and is not reaped, time until the deadline or until it `is_over`.

        While it is not reaped, its number and its group's are no other's.
        """
        self.sweep_soon()  # orphans that left the group are found by their mark

        def living(table: ProcessTable) -> list[ProcessRow]:
            return [table.rows[pid] for pid in self._members(tree, table)]

        self._lingering.wait(Rest(deadline, living, is_over, on_over))

    def sweep_soon(self) -> None:
        """Look for orphans that came to this process, in this turn of the loop."""
        if self._sweep_soon is None:
            self._sweep_soon = self._loop.call_soon(self._sweep)

    def close(self) -> None:
        """Look no more."""
        self._lingering.close()
        for handle in (self._sweep_soon, self._sweep_later):
            if handle is not None:
                handle.cancel()

    def signal(self, trees: Iterable[Tree], number: signal.Signals) -> None:
        """Send a signal to all processes of these trees."""
        trees = list(trees)
        if not trees:
            return
        table = ProcessTable(_read_what_can_be())
        for tree in trees:
            tree.is_signalled = True
            members = self._members(tree, table)
            tree.escaped |= self._escaped(tree, table, members)
            if not tree.ended:
                # Its main process holds the group's number. This takes no descriptor, and misses none that is being forked.
                members = {pid for pid in members if table.rows[pid].group != tree.main}
                signal_group(tree.main, number)
            for pid in members:
                signal_process(pid, number)

    def kill_all(self) -> None:
        """Kill all processes of all trees."""
        self.signal(self._trees.values(), signal.SIGKILL)

    def terminate(self, trees: Iterable[Tree], grace_seconds: float) -> None:
        """Send SIGTERM now, and SIGKILL after the grace to those that have not gone by then.

        What a main process leaves when it ends within the grace has the rest of it.
        """
        ended = list(trees)
        grace_ends = self._loop.time() + grace_seconds
        for tree in ended:
            tree.grace_ends = tree.grace_ends or grace_ends
        self.signal(ended, signal.SIGTERM)
        self._loop.call_later(grace_seconds, self._kill_left, ended)

    def _kill_left(self, trees: Iterable[Tree]) -> None:
        self.signal([tree for tree in trees if self._is_present(tree)], signal.SIGKILL)

    def _is_present(self, tree: Tree) -> bool:
        """Whether it is not gone, nor its main process's number another's by now."""
        return self._trees.get(tree.main) is tree

    def members(self, table: ProcessTable) -> dict[Tree, set[int]]:
        """Give the processes of each live tree, and remember which of them left its group."""
        found = {tree: self._members(tree, table) for tree in self._trees.values() if not tree.ended}
        for tree, pids in found.items():
            tree.escaped = self._escaped(tree, table, pids)
        return found

    @staticmethod
    def _escaped(tree: Tree, table: ProcessTable, members: set[int]) -> set[tuple[int, int]]:
        rows = table.rows
        return {(pid, rows[pid].start_ticks) for pid in members if rows[pid].group != tree.main}

    def _members(self, tree: Tree, table: ProcessTable) -> set[int]:
        rows = table.rows
        roots = [
            tree.main,
            *(pid for pid, start in tree.escaped if pid in rows and rows[pid].start_ticks == start),
        ]
        found: set[int] = set()
        while roots:
            pid = roots.pop()
            if pid in rows and pid not in found:
                found.add(pid)
                roots += table.children.get(pid, ())
        found.update(table.groups.get(tree.main, ()))
        return {pid for pid in found if not rows[pid].zombie}

    def _sweep(self) -> None:
        self._sweep_soon = None
        left = self._adopted()
        waiting = []
        for tree in self._ended:
            if self._is_gone(tree, left.get(tree.main, ())):
                if self._is_present(tree):
                    del self._trees[tree.main]
                self._call_gone(tree)
            else:
                waiting.append(tree)
        self._ended = waiting
        if self._sweep_later is not None:
            self._sweep_later.cancel()
            self._sweep_later = None
        if waiting or any(not owners for owners in self._unclaimed.values()):
            attempts = min((tree.attempts for tree in waiting), default=_ATTEMPTS)
            delay = min(_FIRST_RETRY_SECONDS * 2 ** min(attempts, 10), _LAST_RETRY_SECONDS)
            self._sweep_later = self._loop.call_later(delay, self.sweep_soon)

    def _is_gone(self, tree: Tree, left: Iterable[int]) -> bool:
        tree.attempts += 1
        gone = True
        for pid in left:
            self._note_left(tree, pid)
            kill_family(pid, self._own_group)
            gone = False
        for pid, start in tree.escaped:
            row = read_process(pid)
            if row is not None and row.start_ticks == start and not row.zombie:
                self._note_left(tree, pid)
                kill_family(pid, self._own_group)
                gone = False
        if not tree.group_gone:
            # While anyone is in the group its number is not given to another process; after that it may be.
            tree.group_gone = not self._is_present(tree) or kill_group(tree.main)
        if tree.attempts > _ATTEMPTS and not (gone and tree.group_gone):
            _log.error("Processes of a task cannot be ended.", main=tree.main, left=list(left))
            return True
        return gone and tree.group_gone

    def _adopted(self) -> dict[int, list[int]]:
        """Give the orphans of ended trees by the tree's main pid."""
        while strangers := [pid for pid in read_own_children() if pid not in self._trees]:
            left, reaped = self._attribute(strangers)
            if not reaped:
                return left
            # What died between the list and now may have left children to us that the list lacks.
        self._unclaimed.clear()
        return {}

    def _attribute(self, strangers: list[int]) -> tuple[dict[int, list[int]], bool]:
        """Reap the dead among adopted orphans (were there any?), and give the living ones of ended trees."""
        reaped = False
        left: dict[int, list[int]] = {}
        marks: dict[str, int] = {}
        present: set[tuple[int, int]] = set()
        for pid in strangers:
            row = read_process(pid)
            if row is None or row.group == self._own_group or (pid, row.start_ticks) in self._foreign:
                continue  # the latter: what the agent's own libraries started
            if row.zombie:
                reaped |= reap(pid)
                continue
            marks = marks or {tree.mark: tree.main for tree in self._trees.values()}
            key = (pid, row.start_ticks)
            present.add(key)
            owner = self._owner(row, marks)
            if owner is None:
                self._judge_unclaimed(key)
            elif self._trees[owner].ended:
                left.setdefault(owner, []).append(pid)
            elif row.group != owner:
                # No parent leads to it any more: from now on its memory counts, and signals reach it.
                self._trees[owner].escaped.add(key)
        self._unclaimed = {key: owners for key, owners in self._unclaimed.items() if key in present}
        return left, reaped

    def _owner(self, row: ProcessRow, marks: dict[str, int]) -> int | None:
        if row.group in self._trees:
            return row.group
        key = (row.pid, row.start_ticks)
        for tree in self._trees.values():
            if key in tree.escaped:
                return tree.main
        environment = read_environment(row.pid)
        _, found, rest = environment.partition(f"{OWNER_VARIABLE}=".encode())
        mark = rest.split(b"\0", 1)[0].decode(errors="replace") if found else ""
        if mark in marks:
            return marks[mark]
        if found:
            # Its task is over and gone: this one came to light too late.
            kill_family(row.pid, self._own_group)
        return None

    def _judge_unclaimed(self, key: tuple[int, int]) -> None:
        # It cleaned its environment and left its group before it was ever seen: it belongs to one of the trees that
        # were there at first sight, and goes when the last of these has ended.
        owners = self._unclaimed.setdefault(key, set(self._trees))
        owners -= {main for main in owners if main not in self._trees or self._trees[main].ended}
        if not owners:
            kill_family(key[0], self._own_group)

    def _call_gone(self, tree: Tree) -> None:
        try:
            tree.on_gone()
        except Exception:  # noqa: BLE001 - one task's fault must not stop the others
            _log.exception("The end of a process tree could not be handled.", pid=tree.main)


def _read_what_can_be() -> dict[int, ProcessRow]:
    try:
        return read_processes()
    except OSError as error:
        _log.error("Processes cannot be looked for: only the groups of tasks are ended.", error=str(error))
        return {}
