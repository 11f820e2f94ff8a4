"""Trouble that goes on is logged once, and then at intervals."""

import logging

import pytest

from elasticjob_cloud.service.repeated_log import RepeatedLog

_LOGGER = logging.getLogger("trouble")


class Trouble:
    def __init__(self) -> None:
        self.now = 100.0
        self.log = RepeatedLog(_LOGGER, lambda: self.now, interval_seconds=60.0)

    def say(self, message: str, times: int) -> None:
        for _ in range(times):
            self.now += 1.0
            self.log.say(message)


def test_the_same_is_said_once_in_an_interval_with_how_often_it_was(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.say("locked", 130)
    assert caplog.messages == ["locked", "locked (and 59 times before)", "locked (and 59 times before)"]


def test_another_trouble_and_a_later_one_are_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    trouble = Trouble()
    trouble.say("locked", 3)
    trouble.say("full", 3)
    trouble.log.over()
    trouble.say("full", 1)
    assert caplog.messages == ["locked", "full", "full"]
