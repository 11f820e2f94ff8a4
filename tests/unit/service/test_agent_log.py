"""The log tells of agents that come and go, once, and remembers no more than are there."""

from structlog.testing import capture_logs

from elasticjob_cloud.model.messages import AgentInfo, AgentJoined, AgentLost, Inventory
from elasticjob_cloud.service.leadership.agent_log import AgentLog


def _joined(agent_id: str) -> AgentJoined:
    return AgentJoined(Inventory(AgentInfo(agent_id, "host", "127.0.0.1", 1, 1)))


def test_an_agent_that_joins_again_is_no_news() -> None:
    log = AgentLog()
    with capture_logs() as logs:
        log.note(_joined("a"), ())
        log.note(_joined("a"), {"a"})
        log.end_term({"a"})
        log.note(_joined("a"), ())
        log.note(AgentLost("a", "it is gone."), {"a"})

    assert [(each["event"], each["agent"]) for each in logs] == [
        ("An agent has joined.", "a"),
        ("An agent is lost. Its tasks are LOST.", "a"),
    ]
    assert logs[1]["reason"] == "it is gone."


def test_agents_that_were_released_are_forgotten() -> None:
    log = AgentLog()
    for number in range(1_000):
        log.note(_joined(f"a{number}"), {"b"})
    log.end_term({"b"})

    assert vars(log) == {"_former": frozenset({"b"})}
