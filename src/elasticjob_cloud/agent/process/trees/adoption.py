"""Orphans that come back to the agent, their subreaper: of which tree each is, and what becomes of it.

They are told by their group, by the mark in their environment, or by an earlier look at the process table.
"""

import ctypes
import os
import sys
from collections.abc import Mapping

from elasticjob_cloud.agent.process.signals import kill_family, reap
from elasticjob_cloud.agent.process.start.environment import OWNER_VARIABLE
from elasticjob_cloud.agent.process.table import ProcessRow, read_environment, read_own_children, read_process
from elasticjob_cloud.agent.process.trees.tree import Tree

_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> bool:
    """Let orphaned descendants become children of this process; False where the system has no such thing (macOS)."""
    if sys.platform != "linux":
        return False
    result: int = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return result == 0


class Adoption:
    """Tells the orphans of these trees, by the pid of their main processes, from other children of this process."""

    def __init__(self, trees: Mapping[int, Tree]) -> None:
        self._trees = trees
        self._own_group = os.getpgrp()
        # Children that were there before are none of ours: servers of a test, or of a program that runs an agent in its process.
        self._foreign = {(pid, row.start_ticks) for pid in read_own_children() if (row := read_process(pid))}
        # Orphans of unknown origin, with the trees that they may have come from.
        self._unclaimed: dict[tuple[int, int], set[int]] = {}

    @property
    def has_unowned(self) -> bool:
        """Whether an orphan is there that no live tree can have come from."""
        return any(not owners for owners in self._unclaimed.values())

    def find(self) -> dict[int, list[int]]:
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
