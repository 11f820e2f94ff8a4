"""Which terms a database's record has seen: what tells the rightful next leader from one on a restored copy.

Epochs alone cannot: a copy counts on from the same number. So each term has a random token, and the record counts the
renewals of the term's lease. A scheduler tells its agents of a renewal only once it is recorded. A record that lacks a
renewal that an agent has heard of was copied before it, and is not what that agent's leader went on with.
"""

import hashlib
from typing import Final

import msgspec

TERMS_KEPT: Final = 50  # an agent that has heard of none of so many terms has long ended its tasks


class Term(msgspec.Struct, frozen=True):
    """One term: its number, the token that it alone has, and how many renewals of its lease are recorded."""

    epoch: int
    token: str
    renewals: int = 0

    def is_same(self, other: "Term") -> bool:
        """Tell whether both are one term, whatever is known of its renewals."""
        return self.token == other.token and self.epoch == other.epoch


class Lineage(msgspec.Struct, frozen=True):
    """A database's identity, and the terms in its record: oldest first, at least one, the latest last."""

    database_id: str
    terms: tuple[Term, ...]

    @property
    def latest(self) -> Term:
        """The term that this is the lineage of."""
        return self.terms[-1]

    def sealed(self) -> "Lineage":
        """Give it with its secrets as digests: it can be compared with others of such, and nobody can show it as his own."""
        terms = tuple(msgspec.structs.replace(term, token=_digest(term.token)) for term in self.terms)
        return Lineage(_digest(self.database_id), terms)

    def renewed(self, renewals: int) -> "Lineage":
        """Give the lineage as it is when its latest term was renewed so often, or more often."""
        latest = self.latest
        if renewals <= latest.renewals:
            return self
        return msgspec.structs.replace(
            self, terms=(*self.terms[:-1], msgspec.structs.replace(latest, renewals=renewals))
        )

    def follows(self, former: "Lineage") -> bool:
        """Tell whether this record holds all that is known of the former: the same term, or one after it."""
        if self.latest.is_same(former.latest):
            return True
        known = self._find(former.latest)
        return known is not None and known.renewals >= former.latest.renewals

    def is_copy_beside(self, other: "Lineage") -> bool:
        """Tell whether this record parted from the other one's by being copied: that one's shared term went on for longer."""
        for term in reversed(other.terms):
            known = self._find(term)
            if known is not None:
                return not self.latest.is_same(known) and known.renewals < term.renewals
        return False

    def _find(self, wanted: Term) -> Term | None:
        return next((term for term in reversed(self.terms) if term.is_same(wanted)), None)


class BegunTerm(msgspec.Struct, frozen=True):
    """What a leader goes by before it loads the record. A snapshot with another `load_mark` is not of this database's present."""

    lineage: Lineage
    load_mark: int


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
