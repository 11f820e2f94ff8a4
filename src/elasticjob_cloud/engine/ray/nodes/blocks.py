"""Room of Ray's nodes, leased as placement groups that are pinned to a node. All functions and methods block.

A group outlives its driver (`lifetime="detached"`) and is found again by its name, which says whose it is and where.
Ray's head never forgets a group, removed ones neither, so that its table grows for as long as it lives: it is read once
for each gateway, and new groups are made only where there is need.
"""

import secrets
import threading
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from ray._private.state import available_resources_per_node
from ray.util import get_placement_group, placement_group_table
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group

_WAIT_SECONDS = 1.0
_KIB = 1024
# Grown by at least so much at once, where there is so much: few groups, and mostly room for the next task.
_STEP_MILLI_CPUS = 1_000
_STEP_KIB = 512 * 1024
_Pieces = tuple[tuple[float, float], ...]  # CPUs and MB
_WANTED_GROUPS = 50  # more are asked for when these have come
_UPDATES_UNTIL_AGAIN = 10


class Room(NamedTuple):
    """Thousandths of CPUs, and KiB."""

    milli_cpus: int
    memory_kib: int

    def plus(self, other: "Room") -> "Room":
        """Give both together."""
        return Room(self.milli_cpus + other.milli_cpus, self.memory_kib + other.memory_kib)

    def minus(self, other: "Room") -> "Room":
        """Give what is left, at least nothing."""
        return Room(max(0, self.milli_cpus - other.milli_cpus), max(0, self.memory_kib - other.memory_kib))

    def holds(self, other: "Room") -> bool:
        """Whether the other fits in."""
        return self.milli_cpus >= other.milli_cpus and self.memory_kib >= other.memory_kib


NOTHING = Room(0, 0)


class _Block(NamedTuple):
    group: PlacementGroup
    room: Room


class Blocks:
    """What is leased of one node."""

    def __init__(self, prefix: str, node_id: str, found: Iterable[_Block] = ()) -> None:
        self._prefix = f"{prefix}{node_id}/"
        self._node_id = node_id
        self._blocks = list(found)

    @property
    def leased(self) -> Room:
        """All that is leased."""
        total = NOTHING
        for block in self._blocks:
            total = total.plus(block.room)
        return total

    def hold(self, wanted: Room, free: Room) -> str:
        """Lease more, or give back, until at least `wanted` is leased and not a block more; say what was in the way.

        `free`: what seems to be free on the node now.
        """
        self._give_back(wanted)
        missing = wanted.minus(self.leased)
        if missing == NOTHING:
            return ""
        step = Room(
            max(missing.milli_cpus, min(_STEP_MILLI_CPUS, free.milli_cpus)),
            max(missing.memory_kib, min(_STEP_KIB, free.memory_kib)),
        )
        for room in {step: None, missing: None}:
            if self._lease(room):
                return ""
        return f"Others use the node: {_words(missing)} more could not be had from Ray."

    def give_all_back(self) -> None:
        """Lease nothing any more."""
        for block in self._blocks:
            remove_placement_group(block.group)
        self._blocks.clear()

    def _give_back(self, wanted: Room) -> None:
        for block in sorted(self._blocks, key=lambda it: it.room):
            if Room(*map(int.__sub__, self.leased, block.room)).holds(wanted):
                remove_placement_group(block.group)
                self._blocks.remove(block)

    def _lease(self, room: Room) -> bool:
        group = placement_group(
            [_resources(room)],
            name=self._prefix + secrets.token_hex(4),
            lifetime="detached",
            bundle_label_selector=[{"ray.io/node-id": self._node_id}],
        )
        if group.wait(_WAIT_SECONDS):
            self._blocks.append(_Block(group, room))
            return True
        remove_placement_group(group)
        return False


class Leases:
    """What a namespace has leased, of all nodes."""

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace}/lease/"
        self._lock = threading.Lock()
        self._blocks: dict[str, Blocks] | None = None  # by node; None until they were looked for
        self._missing: set[str] = set()

    def of(self, node_id: str) -> Blocks:
        """Give what is leased of a node, by this gateway or by earlier ones."""
        with self._lock:
            return self._known().setdefault(node_id, Blocks(self._prefix, node_id))

    def forget_lost(self, living: set[str]) -> None:
        """Remove the leases of nodes that are no more: Ray would look for a new place for them for ever.

        At the second call that does not have a node: what is being leased at the first is known by then.
        """
        with self._lock:
            known = self._known()
            missing = known.keys() - living
            lost = [known.pop(node_id) for node_id in missing & self._missing]
            self._missing = missing
        for blocks in lost:
            blocks.give_all_back()

    def _known(self) -> dict[str, Blocks]:
        if self._blocks is None:
            found: dict[str, list[_Block]] = {}
            for node_id, block in _existing(self._prefix):
                found.setdefault(node_id, []).append(block)
            self._blocks = {
                node_id: Blocks(self._prefix, node_id, blocks) for node_id, blocks in found.items()
            }
        return self._blocks


class _Wanted:
    """A run that was asked for; its group is None once it has come."""

    def __init__(self, run: _Pieces, group: PlacementGroup) -> None:
        self.run = run
        self.group: PlacementGroup | None = group
        self.updates_since_it_came = 0


class WantedRoom:
    """Groups that fit nowhere, which ask Ray's autoscaler for nodes. They go with this driver.

    One for each run. Ray places, and adds nodes for, a group as a whole or not at all: one for all runs would wait for
    what no cluster can hold, and those of single shards would be met one after another by the same room.
    """

    def __init__(self, namespace: str) -> None:
        self._prefix = f"{namespace}/wanted/"
        self._asked: list[_Wanted] = []

    def update(self, runs: list[_Pieces]) -> None:
        """Ask for these runs, and no more for others; give back what has come. Call it once a second.

        It is the scheduler that takes the room then. What it does not get is asked for again.
        """
        missing = Counter(run for run in runs[:_WANTED_GROUPS] if any(map(any, run)))
        # Those that have not come first: of several alike it is one of the others that found its room.
        asked, self._asked = sorted(self._asked, key=lambda it: it.group is None), []
        for one in asked:
            if missing[one.run] and one.updates_since_it_came < _UPDATES_UNTIL_AGAIN:
                missing[one.run] -= 1
                self._asked.append(one)
            elif one.group is not None:
                remove_placement_group(one.group)
        for run in missing.elements():
            self._asked.append(_Wanted(run, self._ask_for(run)))
        self._give_back_what_came()

    def held(self) -> dict[str, Room]:
        """Give what groups that have come take now, by node: it is given back at once, and free to all but Ray's head."""
        rooms: dict[str, Room] = {}
        for group in [one.group for one in self._asked if one.group is not None]:
            row = placement_group_table(group)
            if row.get("state") == "CREATED":
                for index, node_id in row["bundles_to_node_id"].items():
                    rooms[node_id] = rooms.get(node_id, NOTHING).plus(_room(row["bundles"][index]))
        return rooms

    def _ask_for(self, run: _Pieces) -> PlacementGroup:
        bundles = [_resources(Room(round(cpus * 1000), round(mb * _KIB))) for cpus, mb in run if cpus or mb]
        return placement_group(bundles, name=self._prefix + secrets.token_hex(8))

    def _give_back_what_came(self) -> None:
        for one in self._asked:
            if one.group is None:
                one.updates_since_it_came += 1
            elif placement_group_table(one.group).get("state") == "CREATED":
                remove_placement_group(one.group)
                one.group = None


def free_rooms() -> dict[str, Room]:
    """Give what is free on each node, as Ray's head knows it."""
    return {node_id: _room(resources) for node_id, resources in available_resources_per_node().items()}


def total_room(resources: dict[str, float]) -> Room:
    """Read CPUs and memory from a node's resources."""
    return _room(resources)


def _existing(prefix: str) -> Iterable[tuple[str, _Block]]:
    """Find what earlier gateways leased, with the node of each."""
    for row in placement_group_table().values():
        name = str(row["name"])
        if not name.startswith(prefix) or row["state"] == "REMOVED":
            continue
        group = get_placement_group(name)
        if row["state"] == "CREATED":
            yield name.removeprefix(prefix).partition("/")[0], _Block(group, _room(row["bundles"][0]))
        else:
            remove_placement_group(group)  # its driver died while it waited for it, or its node is gone


def _room(resources: dict[str, float]) -> Room:
    return Room(round(resources.get("CPU", 0) * 1000), int(resources.get("memory", 0)) // _KIB)


def _resources(room: Room) -> dict[str, float]:
    amounts = {"CPU": room.milli_cpus / 1000, "memory": float(room.memory_kib * _KIB)}
    return {name: amount for name, amount in amounts.items() if amount > 0}


def _words(room: Room) -> str:
    return f"{room.milli_cpus / 1000:g} CPU and {room.memory_kib / _KIB:g} MB"
