"""Trouble that goes on is logged once, and then at intervals."""

import structlog
from structlog.testing import capture_logs

from elasticjob_cloud.service.repeated_log import RepeatedLog


class Trouble:
    def __init__(self) -> None:
        self.now = 100.0
        self.log = RepeatedLog(structlog.get_logger(), lambda: self.now, interval_seconds=60.0)

    def say(self, reason: str, times: int) -> None:
        for _ in range(times):
            self.now += 1.0
            self.log.say("Not written.", reason)


def test_the_same_is_said_once_in_an_interval_with_how_often_it_was() -> None:
    trouble = Trouble()
    with capture_logs() as logs:
        trouble.say("locked", 130)
    first = {"event": "Not written.", "reason": "locked", "log_level": "warning"}
    again = {**first, "times_before": 59}
    assert logs == [first, again, again]


def test_another_trouble_and_a_later_one_are_said_at_once() -> None:
    trouble = Trouble()
    with capture_logs() as logs:
        trouble.say("locked", 3)
        trouble.say("full", 3)
        trouble.log.over()
        trouble.say("full", 1)
    assert [each["reason"] for each in logs] == ["locked", "full", "full"]
