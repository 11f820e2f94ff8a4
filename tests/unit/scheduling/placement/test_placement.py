"""Promise 4: where shards go. Either all have room, or none is placed."""

from unittest.mock import patch

import pytest

from elasticjob_cloud.scheduling.placement import fleet as fleets
from elasticjob_cloud.scheduling.placement.demand import Demand
from elasticjob_cloud.scheduling.placement.planner import Planner
from elasticjob_cloud.scheduling.placement.room import Room
from elasticjob_cloud.scheduling.settings import PlacementPolicy
from tests.unit.scheduling.placement.fleets import PACK, SPREAD, TestFleet

SHARD = Room.of(1, 100)
EXECUTOR = Room.of(2, 500)
BOTH = pytest.mark.parametrize("policy", [SPREAD, PACK])


def _scripts(count: int, size: Room = SHARD) -> Demand:
    return Demand("app", count, size, None)


def _shards(count: int, app_name: str = "app") -> Demand:
    return Demand(app_name, count, SHARD, EXECUTOR)


def _fleet_of_five(policy: PlacementPolicy) -> TestFleet:
    """Give machines a to e, each with room for one script, which a plan has seen."""
    fleet = TestFleet(policy)
    for name in ("a", "b", "c", "d", "e"):
        fleet.add(name, 1)
    assert fleet.plan(_scripts(5))
    return fleet


# Both policies


@BOTH
def test_an_executor_that_is_not_there_takes_its_room_first(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("a", 5)

    assert fleet.plan(_shards(3)) == {"a": 3}
    assert fleet.plan(_shards(4)) is None


@BOTH
def test_an_executor_that_is_there_takes_no_more(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("a", 5, executors={"app": EXECUTOR})

    assert fleet.place(_shards(2)) == {"a": 2}
    assert fleet.plan(_shards(2)) is None
    assert fleet.plan(_shards(1)) == {"a": 1}
    assert fleet.plan(_shards(1, "other")) is None


@BOTH
def test_memory_counts_as_cpus_do(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("a", 8, 199)
    assert fleet.plan(_scripts(2)) is None

    fleet.add("a", 8, 200)
    assert fleet.plan(_scripts(2)) == {"a": 2}


@BOTH
def test_the_agent_to_avoid_is_taken_last(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("large", 8)
    assert fleet.plan(_scripts(3), avoid="large") == {"large": 3}
    fleet.add("small", 1)

    assert fleet.plan(_scripts(1), avoid="large") == {"small": 1}
    assert fleet.plan(_scripts(3), avoid="large") == {"small": 1, "large": 2}
    assert fleet.plan(_scripts(9), avoid="small") == {"large": 8, "small": 1}
    assert fleet.plan(_scripts(10), avoid="large") is None


@BOTH
def test_the_agent_to_avoid_may_be_gone_or_full(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("a", 4)
    fleet.add("full", 0.5)

    assert fleet.plan(_scripts(1), avoid="gone") == {"a": 1}
    assert fleet.plan(_scripts(1), avoid="full") == {"a": 1}


@BOTH
def test_room_that_an_earlier_placement_took_is_not_given_again(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    agents = [fleet.add("a", 2), fleet.add("b", 3)]

    for number in range(5):
        assert fleet.place(_scripts(1)) is not None, number

    assert fleet.plan(_scripts(1)) is None
    assert [agent.free.milli_cpus for agent in agents] == [0, 0]


@BOTH
def test_room_that_another_kind_of_shard_took_is_not_given_again(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    fleet.add("a", 4)
    assert fleet.plan(_scripts(4))

    assert fleet.place(_scripts(1, Room.of(3.5, 100)))

    assert fleet.plan(_scripts(1)) is None
    assert fleet.plan(_scripts(1, Room.of(0.5, 100))) == {"a": 1}


@BOTH
def test_room_of_a_task_that_has_ended_is_given_again(policy: PlacementPolicy) -> None:
    fleet = TestFleet(policy)
    agent = fleet.add("a", 4)
    tasks = fleet.start(agent, _scripts(1), 4)
    assert fleet.plan(_scripts(2)) is None

    agent.remove_task(tasks[0])
    agent.remove_task(tasks[1])

    assert fleet.plan(_scripts(2)) == {"a": 2}


@BOTH
def test_nothing_is_placed_on_an_agent_that_has_left(policy: PlacementPolicy) -> None:
    fleet = _fleet_of_five(policy)

    fleet.leave("c")
    fleet.leave("never there")

    assert fleet.plan(_scripts(5)) is None
    assert sorted(fleet.plan(_scripts(4)) or ()) == ["a", "b", "d", "e"]


@BOTH
def test_agent_that_joins_anew_has_its_new_room(policy: PlacementPolicy) -> None:
    fleet = _fleet_of_five(policy)

    fleet.add("c", 3)

    assert fleet.plan(_scripts(7)) is not None
    assert fleet.plan(_scripts(8)) is None


def test_a_refusal_leaves_the_room_to_smaller_ones() -> None:
    fleet = TestFleet()
    fleet.add("a", 4)
    fleet.add("b", 2, executors={"app": EXECUTOR})
    planner = Planner(fleet)
    large, small = _shards(5), _shards(2)

    assert planner.plan(large) is None

    assert planner.is_hopeless(large)
    assert not planner.is_hopeless(small)
    assert not planner.is_hopeless(large._replace(app_name="other"))
    assert planner.plan(small) is not None


def test_what_was_refused_for_a_script_is_hopeless_for_a_shard_that_needs_an_executor_too() -> None:
    fleet = TestFleet()
    fleet.add("a", 4)
    planner = Planner(fleet)
    planner.plan(_scripts(9))

    assert planner.is_hopeless(_shards(9, "other"))
    assert not planner.is_hopeless(_scripts(8))


def test_only_so_many_refusals_are_remembered() -> None:
    fleet = TestFleet()
    fleet.add("a", 1)
    planner = Planner(fleet)
    for number in range(100):
        planner.plan(_scripts(1, Room(2_000 + number, 1_000 - number)))

    assert len(planner._refused) < 20


# Spread


def test_spread_puts_as_many_shards_on_each_of_agents_that_are_alike() -> None:
    fleet = TestFleet(SPREAD)
    for number in range(5):
        fleet.add(f"agent-{number}", 16)

    for demand in (_scripts(10), _shards(10)):
        assert fleet.plan(demand) == {f"agent-{number}": 2 for number in range(5)}


def test_spread_levels_what_is_left() -> None:
    fleet = TestFleet(SPREAD)
    fleet.add("small", 2)
    fleet.add("large", 6)
    fleet.add("full", 0.5)

    assert fleet.plan(_scripts(4)) == {"large": 4}
    assert fleet.plan(_scripts(6)) == {"large": 5, "small": 1}
    assert fleet.plan(_scripts(8)) == {"large": 6, "small": 2}


def test_spread_goes_by_what_the_shards_lack_first() -> None:
    fleet = TestFleet(SPREAD)
    fleet.add("cpus", 16, 400)
    fleet.add("memory", 8, 10_000)

    assert fleet.plan(_scripts(1)) == {"memory": 1}


def test_spread_starts_an_executor_only_where_there_is_twice_the_room() -> None:
    fleet = TestFleet(SPREAD)
    fleet.add("warm", 6, executors={"app": EXECUTOR})  # four shards
    fleet.add("cold", 9.9)  # less than eight beside an executor

    assert fleet.plan(_shards(1)) == {"warm": 1}
    fleet.add("cold", 10.1)
    assert fleet.plan(_shards(1)) == {"cold": 1}
    assert fleet.plan(_scripts(1)) == {"cold": 1}


# Pack


def test_pack_takes_the_smallest_agent_where_all_fit() -> None:
    fleet = TestFleet(PACK)
    for name, cpus in (("large", 9), ("small", 2), ("middle", 4)):
        fleet.add(name, cpus)

    assert fleet.plan(_scripts(2)) == {"small": 2}
    assert fleet.plan(_scripts(3)) == {"middle": 3}
    assert fleet.plan(_scripts(11)) == {"large": 9, "small": 2}
    assert fleet.plan(_scripts(12)) == {"large": 9, "middle": 3}
    assert fleet.plan(_scripts(15)) == {"large": 9, "middle": 4, "small": 2}


@pytest.mark.parametrize("demand", [_scripts(2), _shards(2)])
def test_spread_gives_an_agent_two_shards_where_it_has_more_room_left_than_the_next(demand: Demand) -> None:
    fleet = TestFleet(SPREAD)
    fleet.add("large", 9)
    fleet.add("small", 7.8)

    assert fleet.plan(demand) == {"large": 2}
    fleet.add("small", 8.2)
    assert fleet.plan(demand) == {"large": 1, "small": 1}


def test_pack_fills_agents_that_have_tasks_before_it_takes_an_idle_one() -> None:
    fleet = TestFleet(PACK)
    fleet.add("idle", 4)
    fleet.add("busy", 16, busy=SHARD)

    assert fleet.plan(_scripts(2)) == {"busy": 2}
    assert fleet.plan(_scripts(17)) == {"busy": 15, "idle": 2}


def test_pack_prefers_the_executor_that_runs_among_agents_with_tasks() -> None:
    fleet = TestFleet(PACK)
    fleet.add("cold", 4, busy=SHARD)
    fleet.add("warm", 16, busy=SHARD, executors={"app": EXECUTOR})

    assert fleet.plan(_shards(1)) == {"warm": 1}
    assert fleet.plan(_scripts(1)) == {"cold": 1}


def test_pack_prefers_the_executor_that_runs_among_idle_agents_with_as_much_room() -> None:
    fleet = TestFleet(PACK)
    fleet.add("cold", 4)
    fleet.add("warm", 4, executors={"app": EXECUTOR})

    assert fleet.plan(_shards(1)) == {"warm": 1}


def test_pack_needs_one_agent_for_many_small_runs() -> None:
    fleet = TestFleet(PACK)
    for number in range(8):
        fleet.add(f"agent-{number}", 8)

    for _ in range(8):
        fleet.place(_scripts(1))

    assert [len(agent.task_ids) for agent in fleet.agents.values()] == [8, 0, 0, 0, 0, 0, 0, 0]


# Idle executors


def test_as_few_idle_executors_are_stopped_as_will_do() -> None:
    fleet = TestFleet()
    agent = fleet.add("a", 8, executors={"x": EXECUTOR, "y": EXECUTOR, "z": EXECUTOR})

    assert Planner(fleet).executors_to_stop(_scripts(1, Room.of(4, 100))) == [(agent, "x")]


def test_idle_executors_are_stopped_together_where_one_would_not_do() -> None:
    fleet = TestFleet()
    agents = [
        fleet.add("a", 4, executors={"x": EXECUTOR, "y": EXECUTOR}),
        fleet.add("b", 4, executors={"z": EXECUTOR}),
    ]

    assert Planner(fleet).executors_to_stop(_scripts(2, Room.of(4, 100))) == [
        (agents[0], "x"),
        (agents[0], "y"),
        (agents[1], "z"),
    ]


def test_no_executor_is_stopped_for_shards_that_fit_elsewhere() -> None:
    fleet = TestFleet()
    agent = fleet.add("first", 4, executors={"x": EXECUTOR})
    fleet.add("second", 3)

    assert Planner(fleet).executors_to_stop(_scripts(6)) == [(agent, "x")]
    fleet.add("third", 1)
    fleet.add("warm", 4, executors={"y": EXECUTOR})
    assert len(Planner(fleet).executors_to_stop(_scripts(9))) == 1


def test_the_executor_of_the_app_itself_is_stopped_for_its_scripts_only() -> None:
    fleet = TestFleet()
    agent = fleet.add("a", 4, executors={"app": EXECUTOR})
    planner = Planner(fleet)

    assert planner.executors_to_stop(_scripts(1, Room.of(4, 100))) == [(agent, "app")]
    assert planner.executors_to_stop(Demand("app", 1, Room.of(3, 100), EXECUTOR)) == []


def test_no_executor_is_stopped_where_that_makes_too_little_room() -> None:
    fleet = TestFleet()
    fleet.add("a", 3, executors={"x": EXECUTOR})
    fleet.add("b", 3, executors={"y": EXECUTOR}).executors["y"].task_count = 1

    assert Planner(fleet).executors_to_stop(_scripts(2, Room.of(2.5, 100))) == []
    assert Planner(fleet).executors_to_stop(_scripts(1, Room.of(5, 100))) == []


def test_executor_that_has_stopped_or_whose_agent_has_left_is_not_stopped() -> None:
    fleet = TestFleet()
    stopped = fleet.add("stopped", 4, executors={"x": EXECUTOR})
    fleet.add("left", 4, executors={"x": EXECUTOR})
    assert Planner(fleet).executors_to_stop(_scripts(8))

    stopped.executor_stopped("x")
    fleet.leave("left")

    assert not fleet.with_idle_executors()
    assert Planner(fleet).executors_to_stop(_scripts(5)) == []


def test_changes_that_are_forgotten_have_been_seen() -> None:
    with patch.object(fleets, "_CHANGES_KEPT", 1):
        fleet = TestFleet()
        agent = fleet.add("a", 4, executors={"x": EXECUTOR})
        fleet.add("b", 1)
        for _ in range(3):  # each look takes up what has changed, and forgets what the one before did
            assert fleet.plan(_scripts(1)) == {"a": 1}
            fleet.agents["b"].touch()

        assert Planner(fleet).executors_to_stop(_scripts(4)) == [(agent, "x")]
        agent.executor_stopped("x")
        for _ in range(3):
            assert fleet.plan(_scripts(5)) == {"a": 4, "b": 1}
            fleet.agents["b"].touch()
        assert not fleet.with_idle_executors()


def test_room_reads_as_people_write_it() -> None:
    assert str(Room.of(0.5, 128)) == "0.5 CPU and 128 MB"
