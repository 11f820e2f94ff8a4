"""Whom an agent obeys: the scheduler with the record that it knows, and whoever leads with that record after it."""

from elasticjob_cloud.agent.frames import Hello, RefusalReason, Refused
from elasticjob_cloud.model.lineage import Lineage


class Obedience:
    """The scheduler that the agent obeys, as its greeting and what it has told since make it known."""

    def __init__(self) -> None:
        self._epoch = -1  # nobody has come
        self._lineage: Lineage | None = None

    @property
    def lineage(self) -> Lineage | None:
        """The record that is known; None where no scheduler of this version has come last."""
        return self._lineage

    @property
    def hello(self) -> Hello:
        """The greeting of whom is obeyed, with all that was told since."""
        return Hello(self._epoch, self._lineage)

    def refusal_of(self, hello: Hello) -> Refused | None:
        """Give the answer to a scheduler that must not be obeyed; None for one that may."""
        known, coming = self._lineage, hello.lineage
        if hello.takes_over or self._epoch < 0:
            return None
        if known is None or coming is None:
            # One of them is of an earlier version. With equal epochs they are two, unless both are.
            is_newer = hello.epoch > self._epoch or (
                hello.epoch == self._epoch and known is None and coming is None
            )
            return None if is_newer else Refused(self._epoch)
        return None if coming.follows(known) else Refused(self._epoch, _reason(known, coming))

    def obey(self, hello: Hello) -> Refused:
        """Obey from now on; give what the former one is told."""
        former, self._epoch, self._lineage = self._lineage, hello.epoch, hello.lineage
        if former is None or hello.lineage is None:
            return Refused(self._epoch)
        if hello.lineage.latest.is_same(former.latest):
            # A greeting is as old as its term.
            self._lineage = hello.lineage.renewed(former.latest.renewals)
        return Refused(self._epoch, _reason(hello.lineage, former))

    def note_renewals(self, renewals: int) -> None:
        """The scheduler's record holds so many renewals of its lease."""
        if self._lineage is not None:
            self._lineage = self._lineage.renewed(renewals)


def _reason(obeyed: Lineage, refused: Lineage) -> RefusalReason:
    if obeyed.follows(refused):
        return "newer"
    return "copy" if refused.is_copy_beside(obeyed) else "other"
