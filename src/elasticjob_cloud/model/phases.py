"""Keeps something to the table of its legal transitions. Standard library only."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from elasticjob_cloud.model.errors import ElasticJobError

Phase = TypeVar("Phase", bound=Enum)


class IllegalTransitionError(ElasticJobError):
    """A fault of ours: something was to go where its table does not lead."""


class PhaseMachine(Generic[Phase]):
    """The phase that one thing is in."""

    __slots__ = ("_current", "_transitions", "_what")

    def __init__(self, what: str, first: Phase, transitions: Mapping[Phase, frozenset[Phase]]) -> None:
        """Begin.

        Args:
            what: The thing, as an error names it: `executor`.
            first: The phase that it begins in.
            transitions: The phases that may follow each phase.
        """
        self._what = what
        self._current = first
        self._transitions = transitions

    @property
    def current(self) -> Phase:
        """The phase that it is in now."""
        return self._current

    def become(self, following: Phase) -> None:
        """Go to another phase.

        Raises:
            IllegalTransitionError: The table does not lead there; the phase stays.
        """
        if following not in self._transitions[self._current]:
            message = f"The {self._what} is {self._current.name} and cannot become {following.name}."
            raise IllegalTransitionError(message)
        self._current = following
