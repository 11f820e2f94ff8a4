"""Promise 4: where shards go. Either all have room, or none is placed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from elasticjob_cloud.model.messages import AgentInfo
from elasticjob_cloud.scheduling.agents import AgentState
from elasticjob_cloud.scheduling.placement import Demand, Planner
from elasticjob_cloud.scheduling.room import Room

SHARD = Room.of(1, 100)
EXECUTOR = Room.of(2, 500)


def _agent(
    name: str, cpus: float, memory_mb: float = 10_000, *, executors: tuple[str, ...] = ()
) -> AgentState:
    agent = AgentState(AgentInfo(name, name, "127.0.0.1", cpus, memory_mb))
    for app_name in executors:
        agent.executor_started(app_name, EXECUTOR)
    return agent


def _plan(demand: Demand, *agents: AgentState, avoid: str = "") -> dict[str, int] | None:
    placement = Planner(agents).plan(demand, avoid)
    return None if placement is None else {agent.info.agent_id: count for agent, count in placement}


def test_the_agent_with_the_most_room_is_taken_first() -> None:
    assert _plan(Demand("app", 5, SHARD, None), _agent("small", 2), _agent("large", 4)) == {
        "large": 4,
        "small": 1,
    }


def test_an_agent_where_the_executor_is_there_comes_before_one_with_more_room() -> None:
    warm = _agent("warm", 4, executors=("app",))

    assert _plan(Demand("app", 1, SHARD, EXECUTOR), _agent("large", 8), warm) == {"warm": 1}


def test_an_executor_that_is_not_there_takes_its_room_first() -> None:
    assert _plan(Demand("app", 3, SHARD, EXECUTOR), _agent("a", 5)) == {"a": 3}
    assert _plan(Demand("app", 4, SHARD, EXECUTOR), _agent("a", 5)) is None


def test_memory_counts_as_cpus_do() -> None:
    assert _plan(Demand("app", 2, SHARD, None), _agent("a", 8, 199)) is None
    assert _plan(Demand("app", 2, SHARD, None), _agent("a", 8, 200)) == {"a": 2}


def test_the_agent_to_avoid_is_taken_last() -> None:
    large, small = _agent("large", 8), _agent("small", 1)

    assert _plan(Demand("app", 1, SHARD, None), large, small, avoid="large") == {"small": 1}
    assert _plan(Demand("app", 3, SHARD, None), large, small, avoid="large") == {"small": 1, "large": 2}
    assert _plan(Demand("app", 3, SHARD, None), large, avoid="large") == {"large": 3}


def test_room_that_an_earlier_placement_took_is_not_given_again() -> None:
    agents = [_agent("a", 2), _agent("b", 3)]
    planner = Planner(agents)

    for number in range(5):
        placement = planner.plan(Demand("app", 1, SHARD, None))
        assert placement is not None, number
        for agent, count in placement:
            agent.free = agent.free.minus(Room(1_000 * count, 100 * 1024 * count))

    assert planner.plan(Demand("app", 1, SHARD, None)) is None
    assert [agent.free.milli_cpus for agent in agents] == [0, 0]


def test_room_that_another_kind_of_shard_took_is_not_given_again() -> None:
    agents = [_agent("a", 2), _agent("b", 4)]
    planner = Planner(agents)
    assert planner.plan(Demand("app", 1, SHARD, None))
    agents[1].free = Room(500, 10)
    agents[0].free = Room(1_000, 10_000_000)

    assert planner.plan(Demand("app", 1, SHARD, None)) == [(agents[0], 1)]


def test_a_refusal_leaves_the_room_to_smaller_ones() -> None:
    planner = Planner([_agent("a", 4), _agent("b", 2, executors=("app",))])
    large, small = Demand("app", 5, SHARD, EXECUTOR), Demand("app", 2, SHARD, EXECUTOR)

    assert planner.plan(large) is None

    assert planner.is_hopeless(large)
    assert not planner.is_hopeless(small)
    assert not planner.is_hopeless(large._replace(app_name="other"))
    assert planner.plan(small) is not None


def test_what_was_refused_for_a_script_is_hopeless_for_a_shard_that_needs_an_executor_too() -> None:
    planner = Planner([_agent("a", 4)])
    planner.plan(Demand("app", 9, SHARD, None))

    assert planner.is_hopeless(Demand("other", 9, SHARD, EXECUTOR))
    assert not planner.is_hopeless(Demand("app", 8, SHARD, None))


def test_only_so_many_refusals_are_remembered() -> None:
    planner = Planner([_agent("a", 1)])
    for number in range(100):
        planner.plan(Demand("app", 1, Room(2_000 + number, 1_000 - number), None))

    assert len(planner._refused) < 20


def test_as_few_idle_executors_are_stopped_as_will_do() -> None:
    agent = _agent("a", 8, executors=("x", "y", "z"))

    stops = Planner([agent]).executors_to_stop(Demand("app", 1, Room.of(4, 100), None))

    assert stops == [(agent, "x")]


def test_idle_executors_are_stopped_together_where_one_would_not_do() -> None:
    agents = [_agent("a", 4, executors=("x", "y")), _agent("b", 4, executors=("z",))]

    assert Planner(agents).executors_to_stop(Demand("app", 2, Room.of(4, 100), None)) == [
        (agents[0], "x"),
        (agents[0], "y"),
        (agents[1], "z"),
    ]


def test_the_executor_of_the_app_itself_is_stopped_for_its_scripts_only() -> None:
    agent = _agent("a", 4, executors=("app",))
    planner = Planner([agent])

    assert planner.executors_to_stop(Demand("app", 1, Room.of(4, 100), None)) == [(agent, "app")]
    assert planner.executors_to_stop(Demand("app", 1, Room.of(3, 100), EXECUTOR)) == []


def test_no_executor_is_stopped_where_that_makes_too_little_room() -> None:
    agents = [_agent("a", 3, executors=("x",)), _agent("b", 3, executors=("y",))]
    agents[1].executors["y"].task_count = 1

    assert Planner(agents).executors_to_stop(Demand("app", 2, Room.of(2.5, 100), None)) == []
    assert Planner(agents).executors_to_stop(Demand("app", 1, Room.of(5, 100), None)) == []


_ROOMS = st.builds(Room, st.integers(1, 5_000), st.integers(1, 5_000))
_DEMANDS = st.builds(
    Demand,
    st.sampled_from(("a", "b")),
    st.integers(1, 6),
    _ROOMS,
    st.one_of(st.none(), st.just(Room(500, 500))),
)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9_000), st.integers(0, 9_000)), max_size=6),
    st.lists(_DEMANDS, max_size=12),
)
def test_a_pass_gives_all_or_nothing_and_never_more_than_there_is(
    totals: list[tuple[int, int]], demands: list[Demand]
) -> None:
    agents = [
        _agent(f"agent-{number}", milli / 1000, kib / 1024) for number, (milli, kib) in enumerate(totals)
    ]
    planner = Planner(agents)
    for demand in demands:
        could = sum(demand.capacity_of(agent) for agent in agents) >= demand.shards
        hopeless = planner.is_hopeless(demand)
        placement = planner.plan(demand)
        assert (placement is not None) == could
        assert not (hopeless and could)
        for agent, count in placement or ():
            if demand.executor is not None and demand.app_name not in agent.executors:
                agent.executor_started(demand.app_name, demand.executor)
            for _ in range(count):
                agent.free = agent.free.minus(demand.shard)
        assert placement is None or sum(count for _, count in placement) == demand.shards
        assert all(min(agent.free) >= 0 for agent in agents)


def test_room_reads_as_people_write_it() -> None:
    assert str(Room.of(0.5, 128)) == "0.5 CPU and 128 MB"
