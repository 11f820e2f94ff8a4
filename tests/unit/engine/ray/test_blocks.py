"""How much of a node is leased, and what is given back: Ray's few functions are stood in for."""

from typing import Any

import pytest

from tests.clusters.ray_nodes import MISSING, has_ray

if not has_ray():
    pytest.skip(MISSING, allow_module_level=True)

from elasticjob_cloud.engine.ray.nodes import blocks as module
from elasticjob_cloud.engine.ray.nodes.blocks import Blocks, Leases, Room, WantedRoom
from elasticjob_cloud.engine.ray.nodes.facts import NodeFacts, with_room_of

_MB = 1024
_LOTS = Room(64_000, 1 << 24)


class Group:
    """A placement group."""

    def __init__(self, name: str, bundles: list[dict[str, float]], state: str) -> None:
        self.name = name
        self.bundles = bundles
        self.state = state
        self.id = self

    def wait(self, _: float) -> bool:
        return self.state == "CREATED"

    def hex(self) -> str:
        return f"id of {self.name}"


def _cpus(bundles: list[dict[str, float]]) -> float:
    return sum(bundle.get("CPU", 0) for bundle in bundles)


def _row(group: Group) -> dict[str, Any]:
    return {
        "name": group.name,
        "state": group.state,
        "bundles": dict(enumerate(group.bundles)),
        "bundles_to_node_id": dict.fromkeys(range(len(group.bundles)), "n1"),
    }


class Cluster:
    """One node with room for so much, in CPUs; memory without end."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cpus: float = 64) -> None:
        self.cpus = cpus
        self.groups: list[Group] = []
        self.table_reads = 0
        monkeypatch.setattr(module, "placement_group", self._make)
        monkeypatch.setattr(module, "remove_placement_group", self.groups.remove)
        monkeypatch.setattr(module, "placement_group_table", self._table)
        monkeypatch.setattr(module, "get_placement_group", self._find)

    def leased(self) -> float:
        return sum(_cpus(group.bundles) for group in self.groups if group.state == "CREATED")

    def _make(self, bundles: list[dict[str, float]], name: str, **_: Any) -> Group:
        fits = self.leased() + _cpus(bundles) <= self.cpus
        self.groups.append(Group(name, bundles, "CREATED" if fits else "PENDING"))
        return self.groups[-1]

    def _table(self, group: Group | None = None) -> dict[str, Any]:
        if group is not None:
            return _row(group)
        self.table_reads += 1
        return {group.hex(): _row(group) for group in self.groups}

    def _find(self, name: str) -> Group:
        return next(group for group in self.groups if group.name == name)


def leased_of(node: str, namespace: str = "ns") -> Blocks:
    """Give what a new gateway finds leased of a node."""
    return Leases(namespace).of(node)


def test_little_is_leased_as_one_larger_block(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch)
    blocks = leased_of("n1")
    assert blocks.hold(Room(100, 64 * _MB), _LOTS) == ""
    assert blocks.leased == Room(1000, 512 * _MB)
    assert blocks.hold(Room(900, 512 * _MB), _LOTS) == ""
    assert len(cluster.groups) == 1


def test_no_more_is_leased_than_is_free_or_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch)
    blocks = leased_of("n1")
    blocks.hold(Room(100, 64 * _MB), Room(300, 128 * _MB))
    assert blocks.leased == Room(300, 128 * _MB)
    blocks.hold(Room(2_300, 128 * _MB), Room(0, 0))
    assert blocks.leased == Room(2_300, 128 * _MB)


def test_exactly_what_is_missing_is_tried_when_the_larger_block_does_not_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Cluster(monkeypatch, cpus=0.5)
    blocks = leased_of("n1")
    assert blocks.hold(Room(400, 64 * _MB), _LOTS) == ""
    assert blocks.leased.milli_cpus == 400


def test_room_that_cannot_be_had_is_told_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch, cpus=0.5)
    blocks = leased_of("n1")
    fault = blocks.hold(Room(2_000, 64 * _MB), _LOTS)
    assert "2 CPU and 64 MB more" in fault
    assert cluster.groups == []
    assert blocks.leased == Room(0, 0)


def test_whole_blocks_are_given_back_and_never_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch)
    blocks = leased_of("n1")
    for cpus in (1_000, 2_000, 3_000):
        blocks.hold(Room(cpus, 64 * _MB), _LOTS)
    assert blocks.leased.milli_cpus == 3_000
    blocks.hold(Room(1_500, 64 * _MB), _LOTS)
    assert blocks.leased.milli_cpus == 2_000
    blocks.hold(Room(0, 0), _LOTS)
    assert blocks.leased == Room(0, 0)


def test_leases_of_an_earlier_gateway_are_found_and_what_it_waited_for_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch)
    leased_of("n1").hold(Room(1_500, 64 * _MB), _LOTS)
    leased_of("n2").hold(Room(700, 64 * _MB), _LOTS)
    cluster.groups.append(Group("ns/lease/n1/x", [{"CPU": 9}], "PENDING"))
    assert leased_of("n1").leased.milli_cpus == 1_500
    assert [group.state for group in cluster.groups] == ["CREATED", "CREATED"]


def test_leases_of_nodes_that_are_gone_are_forgotten_and_those_of_others_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch)
    for namespace, node in (("ns", "n1"), ("ns", "n2"), ("other", "n1")):
        leased_of(node, namespace).hold(Room(100, 64 * _MB), _LOTS)
    leases = Leases("ns")
    leases.forget_lost({"n2"})
    assert len(cluster.groups) == 3  # the node may be leased at this moment
    leases.forget_lost({"n2"})
    assert sorted(group.name.rpartition("/")[0] for group in cluster.groups) == [
        "ns/lease/n2",
        "other/lease/n1",
    ]


def test_what_is_wanted_is_asked_for_run_by_run_and_given_back_when_it_came(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, cpus=1)
    wanted = WantedRoom("ns")
    wanted.update([((0.5, 64.0),), ((2.0, 64.0),)])
    assert [group.bundles for group in cluster.groups] == [[{"CPU": 2.0, "memory": 64.0 * (1 << 20)}]]
    wanted.update([((0.5, 64.0),), ((2.0, 64.0),)])
    assert len(cluster.groups) == 1
    wanted.update([])
    assert cluster.groups == []


def test_what_is_still_wanted_keeps_its_place_when_others_come_and_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, cpus=0)
    wanted = WantedRoom("ns")
    wanted.update([((1.0, 64.0),), ((2.0, 64.0),), ((2.0, 64.0),)])
    first, *twins = cluster.groups
    wanted.update([((1.0, 64.0),), ((2.0, 64.0),), ((3.0, 64.0),)])
    assert cluster.groups[0] is first
    assert cluster.groups[1] is twins[0]
    assert [group.bundles[0]["CPU"] for group in cluster.groups] == [1.0, 2.0, 3.0]


def test_of_two_alike_the_one_that_came_is_counted_as_the_one_that_found_its_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, cpus=1)
    wanted = WantedRoom("ns")
    wanted.update([((1.0, 64.0),), ((1.0, 64.0),)])
    waiting = cluster.groups[-1]
    cluster.cpus = 0  # taken by the one that found its room
    wanted.update([((1.0, 64.0),)])
    assert cluster.groups == [waiting]


def test_run_that_came_and_was_not_taken_is_asked_for_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, cpus=1)
    wanted = WantedRoom("ns")
    wanted.update([((1.0, 64.0),)])
    cluster.cpus = 0  # somebody else was faster
    for _ in range(9):
        wanted.update([((1.0, 64.0),)])
        assert cluster.groups == []
    for _ in range(3):
        wanted.update([((1.0, 64.0),)])
    assert [group.state for group in cluster.groups] == ["PENDING"]


def test_no_more_than_fifty_runs_are_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch, cpus=0)
    WantedRoom("ns").update([((1.0, 64.0),)] * 200)
    assert len(cluster.groups) == 50


def test_run_of_which_a_part_would_fit_is_asked_for_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch, cpus=2)
    wanted = WantedRoom("ns")
    for _ in range(3):
        wanted.update([((1.0, 64.0),) * 4])
        assert [(len(group.bundles), group.state) for group in cluster.groups] == [(4, "PENDING")]


def test_table_of_all_groups_that_ever_were_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(monkeypatch, cpus=3)
    leases, wanted = Leases("ns"), WantedRoom("ns")
    for _ in range(20):
        for node in ("n1", "n2"):
            leases.of(node).hold(Room(500, 64 * _MB), _LOTS)
        leases.forget_lost({"n1"})
        wanted.update([((1.0, 64.0),), ((9.0, 64.0),)])
    assert cluster.table_reads == 1


def test_node_that_comes_back_has_the_leases_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    Cluster(monkeypatch)
    leases = Leases("ns")
    leases.of("n1").hold(Room(1_500, 64 * _MB), _LOTS)
    leases.forget_lost(set())
    leases.forget_lost({"n1"})
    leases.forget_lost(set())
    assert leases.of("n1").leased.milli_cpus == 1_500


def test_what_demand_of_ours_takes_on_a_node_is_known_until_it_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster(monkeypatch, cpus=0)
    wanted = WantedRoom("ns")
    wanted.update([((1.0, 64.0), (1.0, 64.0))])
    assert wanted.held() == {}
    cluster.groups[0].state = "CREATED"
    assert wanted.held() == {"n1": Room(2_000, 128 * _MB)}
    wanted.update([((1.0, 64.0), (1.0, 64.0))])
    assert wanted.held() == {}


def test_node_is_as_large_as_what_is_free_or_demand_of_ours_and_never_larger_than_it_is() -> None:
    total = Room(4_000, 1 << 20)
    full = NodeFacts("n1", "host", "ip", total, Room(0, 0))
    half = NodeFacts("n2", "host", "ip", total, Room(3_000, 1 << 20))
    held = {"n1": Room(4_000, 1 << 20), "n2": Room(2_000, 0)}
    assert [fact.free for fact in with_room_of([full, half], held)] == [total, total]
    assert with_room_of([full], {}) == [full]
