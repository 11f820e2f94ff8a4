"""Sees to it that a task's processes end with it: all of them, wherever they went (brief: nothing left behind).

Each main process leads a group of its own. What leaves the group is found by its parents, by the mark in its
environment, or by the last look at the process table; orphans come back to the agent, which is their subreaper. The
usual case, a script that leaves nothing, costs one `killpg` and a share in one read of the agent's children.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterable

import structlog

from elasticjob_cloud.agent.process.signals import (
    kill_family,
    kill_group,
    signal_group,
    signal_process,
)
from elasticjob_cloud.agent.process.table import (
    ProcessRow,
    ProcessTable,
    read_own_children,
    read_process,
    read_processes,
)
from elasticjob_cloud.agent.process.trees.adoption import Adoption
from elasticjob_cloud.agent.process.trees.lingering import Lingering, Rest
from elasticjob_cloud.agent.process.trees.tree import Tree

_log = structlog.get_logger(__name__)
_FIRST_RETRY_SECONDS = 0.002
_LAST_RETRY_SECONDS = 0.1
# What cannot be killed (another user's by then) must not keep a task from its end.
_MOST_SWEEPS = 200


class ProcessTrees:
    """All process trees of an agent. Used on the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._trees: dict[int, Tree] = {}
        self._ended: list[Tree] = []
        self._sweep_soon: asyncio.Handle | None = None
        self._sweep_later: asyncio.TimerHandle | None = None
        self._own_group = os.getpgrp()
        self._adoption = Adoption(self._trees)
        self._lingering = Lingering(loop, _read_what_can_be)

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
                    tree.note_left(pid)

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
            return [table.rows[pid] for pid in tree.members(table)]

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
            members = tree.members(table)
            tree.escaped |= tree.outside_group(table, members)
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
        found = {tree: tree.members(table) for tree in self._trees.values() if not tree.ended}
        for tree, pids in found.items():
            tree.escaped = tree.outside_group(table, pids)
        return found

    def _sweep(self) -> None:
        self._sweep_soon = None
        left = self._adoption.find()
        remaining = []
        for tree in self._ended:
            if self._is_gone(tree, left.get(tree.main, ())):
                if self._is_present(tree):
                    del self._trees[tree.main]
                self._call_gone(tree)
            else:
                remaining.append(tree)
        self._ended = remaining
        if self._sweep_later is not None:
            self._sweep_later.cancel()
            self._sweep_later = None
        if remaining or self._adoption.has_unowned:
            sweeps = min((tree.sweeps for tree in remaining), default=_MOST_SWEEPS)
            delay = min(_FIRST_RETRY_SECONDS * 2 ** min(sweeps, 10), _LAST_RETRY_SECONDS)
            self._sweep_later = self._loop.call_later(delay, self.sweep_soon)

    def _is_gone(self, tree: Tree, left: Iterable[int]) -> bool:
        tree.sweeps += 1
        gone = True
        for pid in left:
            tree.note_left(pid)
            kill_family(pid, self._own_group)
            gone = False
        for pid, start in tree.escaped:
            row = read_process(pid)
            if row is not None and row.start_ticks == start and not row.zombie:
                tree.note_left(pid)
                kill_family(pid, self._own_group)
                gone = False
        if not tree.group_gone:
            # While anyone is in the group its number is not given to another process; after that it may be.
            tree.group_gone = not self._is_present(tree) or kill_group(tree.main)
        if tree.sweeps > _MOST_SWEEPS and not (gone and tree.group_gone):
            _log.error("Processes of a task cannot be ended.", main=tree.main, left=list(left))
            return True
        return gone and tree.group_gone

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
