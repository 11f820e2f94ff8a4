"""Agents that nothing needs are let go of (docs/decisions/0017)."""

import random

import pytest

from elasticjob_cloud.model.messages import AgentEvents, AgentLost, Launch
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import CoreSettings, Event, Request
from elasticjob_cloud.scheduling.commands import SetJobDisabled, TriggerJob
from tests.unit.scheduling.core_driver import FAILED, HOUR_MS, LOST, SECOND_MS, CoreDriver, job

IDLE_MS = 30 * SECOND_MS
SETTINGS = CoreSettings(release_idle_ms=IDLE_MS)


def test_agents_that_had_no_task_for_long_are_released_all_but_one() -> None:
    driver = CoreDriver(settings=SETTINGS, agents=3)

    assert driver.pass_time(IDLE_MS - 1).released == []
    assert driver.pass_time(1).released == ["agent-0", "agent-1"]
    assert list(driver.core.state.agents) == ["agent-2"]
    assert driver.pass_time(HOUR_MS).released == []


def test_without_the_setting_none_is_released() -> None:
    driver = CoreDriver(agents=3)

    assert driver.pass_time(24 * HOUR_MS).released == []
    assert len(driver.core.state.agents) == 3


def test_agent_with_a_task_is_not_released_before_its_last_task_has_ended_for_long() -> None:
    driver = CoreDriver(job(), job("other"), settings=SETTINGS, agents=1)
    driver.ask(TriggerJob("job"), TriggerJob("other"))
    driver.join("agent-1")

    assert driver.pass_time(IDLE_MS).released == ["agent-1"]
    driver.join("agent-2")
    driver.end(driver.task("other"))
    assert driver.pass_time(IDLE_MS).released == ["agent-2"]
    driver.join("agent-3")
    driver.pass_time(IDLE_MS - 1)
    driver.end(driver.task("job"))
    assert driver.pass_time(1).released == ["agent-3"], "the other one is idle for a moment only"


def test_time_is_the_monotonic_clocks() -> None:
    driver = CoreDriver(settings=SETTINGS, agents=2)

    assert driver.set_clock(HOUR_MS).released == []
    driver.set_clock(-HOUR_MS)
    assert driver.pass_time(IDLE_MS).released == ["agent-0"]


def test_agent_that_joins_anew_is_idle_for_as_long_as_it_was() -> None:
    driver = CoreDriver(settings=SETTINGS, agents=2)

    driver.pass_time(IDLE_MS - 1)
    driver.join("agent-0")

    assert driver.pass_time(1).released == ["agent-0"]


def test_released_agent_that_stays_joins_anew_and_has_its_whole_time_again() -> None:
    driver = CoreDriver(job(), job("other"), settings=SETTINGS, agents=1)
    driver.ask(TriggerJob("job"))
    driver.join("agent-1")
    assert driver.pass_time(IDLE_MS).released == ["agent-1"]

    driver.join("agent-1")
    assert driver.pass_time(IDLE_MS - 1).released == []
    driver.ask(TriggerJob("other"))
    assert driver.task("other").agent_id == "agent-1"


def test_agent_that_was_kept_as_the_last_one_goes_when_another_joins() -> None:
    driver = CoreDriver(settings=SETTINGS, agents=1)
    assert driver.pass_time(IDLE_MS).released == []

    assert driver.join("agent-1").released == ["agent-0"]


def test_agent_that_a_task_is_placed_on_in_this_very_turn_is_not_released() -> None:
    driver = CoreDriver(job(), settings=SETTINGS, agents=2)

    driver.wall_ms += IDLE_MS
    driver.monotonic_ms += IDLE_MS
    decisions = driver.ask(TriggerJob("job"))

    assert list(decisions.commands) == [driver.task().agent_id]
    assert len(decisions.released) == 1
    assert driver.task().agent_id not in decisions.released


def test_task_that_is_being_killed_keeps_its_agent() -> None:
    driver = CoreDriver(job(), settings=SETTINGS)
    driver.ask(TriggerJob("job"))
    driver.join("agent-1")
    driver.ask(SetJobDisabled("job", disabled=True))
    assert driver.killed()

    assert driver.pass_time(IDLE_MS).released == ["agent-1"]


@pytest.mark.parametrize("fails_over", [False, True])
def test_none_is_released_while_something_waits_for_room(*, fails_over: bool) -> None:
    large = job("large", cpu_count=9, failover=fails_over)
    driver = CoreDriver(large, settings=SETTINGS, agents=2)
    if fails_over:
        driver.join("large-0", cpus=9)
    driver.ask(TriggerJob("large"))
    if fails_over:
        driver.lose("large-0")

    assert driver.pass_time(IDLE_MS).released == []
    driver.ask(SetJobDisabled("large", disabled=True))
    assert driver.last.released == ["agent-0"]


def test_run_that_waits_for_its_jobs_earlier_run_keeps_no_agent() -> None:
    driver = CoreDriver(job(), settings=SETTINGS, agents=1)
    driver.ask(TriggerJob("job"))
    driver.ask(TriggerJob("job"))
    driver.join("agent-1")

    assert driver.pass_time(IDLE_MS).released == ["agent-1"]


def test_agent_that_is_lost_is_neither_released_nor_counted() -> None:
    driver = CoreDriver(settings=SETTINGS, agents=2)

    driver.pass_time(IDLE_MS - 1)
    driver.lose("agent-0")

    assert driver.pass_time(1).released == []


def test_loss_of_a_released_agent_changes_nothing() -> None:
    driver = CoreDriver(job(), settings=SETTINGS, agents=2)
    driver.ask(TriggerJob("job"))
    (idle,) = driver.core.state.agents.keys() - {driver.task().agent_id}
    assert driver.pass_time(IDLE_MS).released == [idle]

    assert driver.lose(idle).ended == {}


class _Fleet:
    """A driver whose agents do at random what agents may, held against a slow account of who is idle."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        jobs = [job(f"job-{number}", sharding_total_count=number + 1, failover=True) for number in range(4)]
        self.driver = CoreDriver(*jobs, settings=SETTINGS, agents=3)
        self.busy_ms = dict.fromkeys(
            self.driver.core.state.agents, 0
        )  # by agent: when it joined or had a task
        self.lives = 3
        self.released = 0

    def step(self) -> None:
        driver, state = self.driver, self.driver.core.state
        events: list[Event] = []
        choice = self.random.randrange(6)
        tasks = sorted(state.tasks)
        if choice == 0:
            events.append(Request(self.lives, TriggerJob(f"job-{self.random.randrange(4)}")))
        elif choice == 1 and len(state.agents) < 5:
            driver.join(f"agent-{self.lives}", cpus=2)
            self.lives += 1
        elif choice == 2 and self.random.random() < 0.2 and len(state.agents) > 1:
            events.append(AgentLost(self.random.choice(sorted(state.agents)), "gone"))
        elif tasks and choice > 2:
            task = state.tasks[self.random.choice(tasks)]
            ends = self.random.choice((TaskState.FINISHED, FAILED, LOST))
            events.append(AgentEvents(task.agent_id, driver.next_sequence(), (driver.status(task, ends),)))
        self._account()
        before = set(state.agents)
        decisions = driver.pass_time(self.random.choice((0, 1_000, 10_000)), *events)
        self._check(before, decisions.released)

    def _account(self) -> None:
        driver, state = self.driver, self.driver.core.state
        for agent_id, agent in state.agents.items():
            if agent.task_ids or agent_id not in self.busy_ms:
                self.busy_ms[agent_id] = driver.monotonic_ms

    def _check(self, before: set[str], released: list[str]) -> None:
        driver, state = self.driver, self.driver.core.state
        self.released += len(released)
        assert not set(released) & state.agents.keys()
        assert not released or state.agents
        for agent_id in released:
            assert agent_id in before
            assert agent_id not in state.tasks_of_agent
            assert not [it for it in driver.last.commands.get(agent_id, ()) if isinstance(it, Launch)]
            assert driver.monotonic_ms - self.busy_ms.pop(agent_id) >= IDLE_MS
        for agent_id, agent in state.agents.items():
            assert (agent_id in state.idle) == (not agent.task_ids)


def test_whatever_happens_only_agents_that_were_idle_for_long_are_released() -> None:
    released = 0
    for seed in range(60):
        fleet = _Fleet(seed)
        for _ in range(120):
            fleet.step()
        released += fleet.released
    assert released > 100
