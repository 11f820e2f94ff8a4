"""The log tells of agents that come and go, once, and remembers no more than are there."""

import pytest

from elasticjob_cloud.model.messages import AgentInfo, AgentJoined, AgentLost, Inventory
from elasticjob_cloud.service.leadership.agent_log import AgentLog


def _joined(agent_id: str) -> AgentJoined:
    return AgentJoined(Inventory(AgentInfo(agent_id, "host", "127.0.0.1", 1, 1)))


def test_an_agent_that_joins_again_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    log = AgentLog()
    log.note(_joined("a"), ())
    log.note(_joined("a"), {"a"})
    log.end_term({"a"})
    log.note(_joined("a"), ())

    assert caplog.text.count("Agent a is there") == 1
    log.note(AgentLost("a", "it is gone."), {"a"})
    assert caplog.text.count("Agent a is lost") == 1


def test_agents_that_were_released_are_forgotten() -> None:
    log = AgentLog()
    for number in range(1_000):
        log.note(_joined(f"a{number}"), {"b"})
    log.end_term({"b"})

    assert vars(log) == {"_former": frozenset({"b"})}
