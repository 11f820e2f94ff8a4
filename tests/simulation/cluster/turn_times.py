"""When each turn of a scheduler was decided: its commit may come much later, where its process or the network stood still."""

from collections.abc import Callable, Sequence
from typing import Any

from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import Core, Decisions, Event
from elasticjob_cloud.scheduling.clock import Now


class TurnTimes:
    """Follows the cores of one host, and notes the time that each of their turns was given."""

    def __init__(self) -> None:
        self._of_changes: dict[
            int, tuple[Changes, Now]
        ] = {}  # the rows are kept, so that no other has their id

    def of(self, changes: Changes) -> Now:
        """Give when these rows were decided. Each commit asks once, and is decided once."""
        return self._of_changes.pop(id(changes))[1]

    def follow(self, core: Core) -> None:
        """Note the turns of a core."""
        decide: Any = core
        decide.handle = self._noting(core.handle)
        decide.take_over = self._noting(core.take_over)

    def note_turn(self, decisions: Decisions, events: Sequence[Event]) -> None:
        """Nothing: the turn is committed."""

    def forget(self) -> None:
        """Nothing: a commit may still be under way."""

    def _noting(self, decide: Callable[..., Decisions]) -> Callable[..., Decisions]:
        def decide_and_note(*arguments: Any) -> Decisions:
            decisions = decide(*arguments)
            self._of_changes[id(decisions.changes)] = (decisions.changes, arguments[-1])
            return decisions

        return decide_and_note
