"""How long a leader bears to have no agent."""

from elasticjob_cloud.service.leadership.agent_watch import LAST_PATIENCE_SECONDS, AgentWatch


def seconds_until_way_is_given(watch: AgentWatch, now: float) -> float:
    watch.begin_term(now)
    waited = 0.0
    while not watch.look(has_agents=False, now=now + waited):
        waited += 1.0
    watch.give_way()
    return waited


def test_each_time_that_way_is_given_in_vain_it_takes_twice_as_long_up_to_a_limit() -> None:
    watch = AgentWatch(20.0)
    waits = [seconds_until_way_is_given(watch, 1000.0 * term) for term in range(8)]
    assert waits == [20, 40, 80, 160, 320, 600, 600, 600]
    assert LAST_PATIENCE_SECONDS == 600


def test_agent_that_was_there_makes_patience_short_again() -> None:
    watch = AgentWatch(20.0)
    seconds_until_way_is_given(watch, 0)
    seconds_until_way_is_given(watch, 1000)
    assert not watch.look(has_agents=True, now=2000)
    assert seconds_until_way_is_given(watch, 3000) == 20


def test_time_counts_from_when_the_last_agent_was_lost() -> None:
    watch = AgentWatch(20.0)
    watch.begin_term(0)
    assert not watch.look(has_agents=True, now=100)
    assert not watch.look(has_agents=False, now=105)
    assert not watch.look(has_agents=False, now=124)
    assert watch.look(has_agents=False, now=125)
