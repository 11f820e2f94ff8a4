"""What has changed since a console last asked: a number for each topic, in memory."""

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

_FORM: Final = re.compile(r"(?P<term>[0-9a-f]{16})-(?P<number>[0-9]{1,15})")


class Topic(StrEnum):
    """What a console shows."""

    APPS = "apps"
    JOBS = "jobs"  # configurations
    RUNS = "runs"  # fires that wait, run, ended; executions of daemon jobs
    TASKS = "tasks"
    AGENTS = "agents"
    SCHEDULERS = "schedulers"
    ALERTS = "alerts"


class ChangedTopics(msgspec.Struct, frozen=True):
    """The present revision, and the revision of each topic that has changed since the one that was named."""

    revision: str
    topics: Mapping[Topic, str]


class Revisions:
    """Numbers that only grow, behind a random name for the time in which they are counted.

    Each core has a name of its own: after a restart, with another leader, and after a database that failed, every topic
    looks changed, for nobody knows what was missed. Within one, a number is given before the callers of that turn are
    answered, so a list that is read after its revision shows at least that state.
    """

    def __init__(self, new_name: Callable[[], str]) -> None:
        self._new_name = new_name
        self.begin()

    def begin(self) -> None:
        """Count from one again, under a new name."""
        self._name = self._new_name()
        self.number = 1
        self._numbers = dict.fromkeys(Topic, 1)

    def note(self, topics: Iterable[Topic]) -> None:
        """Something of these topics has changed."""
        changed = set(topics)
        if changed:
            self.number += 1
            self._numbers.update(dict.fromkeys(changed, self.number))

    def of(self, topics: Iterable[Topic]) -> str:
        """Give the revision of these topics together: it is another one as soon as any of them has changed."""
        return f"{self._name}-{max(self._numbers[topic] for topic in topics)}"

    def since(self, revision: str = "") -> ChangedTopics:
        """Give what has changed since a revision: all topics, if that is not one of this time."""
        match = _FORM.fullmatch(revision)
        known = int(match["number"]) if match is not None and match["term"] == self._name else 0
        if known > self.number:
            known = 0
        topics = {
            topic: f"{self._name}-{number}" for topic, number in self._numbers.items() if number > known
        }
        return ChangedTopics(self.present, topics)

    @property
    def present(self) -> str:
        """The present revision."""
        return f"{self._name}-{self.number}"
