"""Whom an agent obeys: the scheduler with the record that it knows, and its successors that lead with that record.

The tokens of a record's terms show that a scheduler has read the database. A job that runs as another user than the
scheduler cannot read them; one that runs as the same user can (docs/security.md).
"""

from typing import Final

from elasticjob_cloud.agent.scheduler_link.frames import Hello, RefusalReason, Refused
from elasticjob_cloud.model.lineage import Lineage

# A database counts one for each term: nobody who shows no record comes that much later.
_FARTHEST_JUMP: Final = 1_000_000


class Obedience:
    """The scheduler that the agent obeys, as its greeting and what it has told since make it known."""

    def __init__(self) -> None:
        self._epoch = -1  # nobody has come
        self._lineage: Lineage | None = None
        self._last_lineage: Lineage | None = None  # stays when a scheduler of an earlier version is obeyed

    @property
    def lineage(self) -> Lineage | None:
        """The record that is known; None where no scheduler of this version has come last."""
        return self._lineage

    @property
    def has_obeyed(self) -> bool:
        """Whether anybody has come."""
        return self._epoch >= 0

    @property
    def hello(self) -> Hello:
        """The greeting of whom is obeyed, with all that was told since."""
        return Hello(self._epoch, self._lineage)

    def refusal_of(self, hello: Hello, *, is_led: bool = False) -> Refused | None:
        """Give the answer to a scheduler that must not be obeyed; None for one that may.

        `is_led`: the scheduler that is obeyed is connected. Then it gives way only to one that shows its record.
        """
        known, coming = self._lineage, hello.lineage
        if self._epoch < 0:
            return None
        if coming is None:
            return self._refusal_without_record(hello, is_led=is_led)
        if hello.takes_over and (not is_led or known is None or known.database_id == coming.database_id):
            return None
        if known is not None:
            return None if coming.follows(known) else Refused(self._epoch, _reason(known, coming))
        if self._last_lineage is not None:
            # One of an earlier version came between, or a stranger, whatever number it gave itself.
            last = self._last_lineage
            is_later = coming.follows(last) and not coming.latest.is_same(last.latest)
            return None if is_later else Refused(self._epoch)
        return None if 0 < hello.epoch - self._epoch <= _FARTHEST_JUMP else Refused(self._epoch)

    def _refusal_without_record(self, hello: Hello, *, is_led: bool) -> Refused | None:
        """It is of an earlier version, of which the epoch alone tells who leads; or it is no scheduler at all."""
        jump = hello.epoch - self._epoch
        if self._lineage is None:
            # With equal epochs they are two, unless both are.
            return None if 0 <= jump <= _FARTHEST_JUMP else Refused(self._epoch)
        return None if not is_led and 0 < jump <= _FARTHEST_JUMP else Refused(self._epoch)

    def obey(self, hello: Hello) -> Refused:
        """Obey from now on; give what the former one is told."""
        former, self._epoch, self._lineage = self._lineage, hello.epoch, hello.lineage
        if hello.lineage is not None and former is not None and hello.lineage.latest.is_same(former.latest):
            # A greeting is as old as its term.
            self._lineage = hello.lineage.renewed(former.latest.renewals)
        self._last_lineage = self._lineage or self._last_lineage
        if former is None or hello.lineage is None:
            return Refused(self._epoch)
        return Refused(self._epoch, _reason(hello.lineage, former))

    def note_renewals(self, renewals: int) -> None:
        """The scheduler's record holds so many renewals of its lease."""
        if self._lineage is not None:
            self._lineage = self._last_lineage = self._lineage.renewed(renewals)


def _reason(obeyed: Lineage, refused: Lineage) -> RefusalReason:
    if obeyed.follows(refused):
        return "newer"
    return "copy" if refused.is_copy_beside(obeyed) else "other"
