"""Reading what grows: again and again, and with patience for a scheduler that is away for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from elasticjob_cloud.cli.output import say
from elasticjob_cloud.model.errors import UnavailableError

FOLLOW_SECONDS = 0.5
PATIENCE_SECONDS = 30.0
_FIRST_WAIT_SECONDS = 0.05
Answer = TypeVar("Answer")


def wait_a_moment() -> None:
    """Wait before the next look."""
    time.sleep(FOLLOW_SECONDS)


def wait_longer(looks: int) -> None:
    """Wait before the next look, for less time before the first ones: much of what is waited for is quick."""
    time.sleep(min(FOLLOW_SECONDS, _FIRST_WAIT_SECONDS * 2 ** min(looks, 10)))


def ask_patiently(ask: Callable[[], Answer], *, patient: bool) -> Answer:
    """Ask; `patient`: wait for a scheduler that does not answer for now, as while a new one takes the lead.

    Raises:
        UnavailableError: none answers, for 30 s if patient.
    """
    deadline = time.monotonic() + (PATIENCE_SECONDS if patient else 0)
    told = False
    while True:
        try:
            return ask()
        except UnavailableError as error:
            if time.monotonic() >= deadline:
                raise
            if not told:
                say(f"{error} Trying again for {PATIENCE_SECONDS:g} s.")
                told = True
            wait_a_moment()
