"""The terms in the lease's row (`model/lineage.py`). Whatever writes wants a transaction of the writer that has the lease's lock."""

import secrets
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, literal_column, select, update

from elasticjob_cloud.model.lineage import TERMS_KEPT, BegunTerm, Lineage, Term
from elasticjob_cloud.store import tables

_ROW: Final = tables.lease.c.id == literal_column("1")
_TOKEN_BYTES: Final = 16
_MARK_BITS: Final = 62  # a signed 64-bit number has room for them


def begin(connection: Connection, epoch: int) -> None:
    """Add a term to the record; whoever calls it writes the epoch itself."""
    following = Term(epoch, secrets.token_hex(_TOKEN_BYTES))
    _write(connection, (*_terms(_row(connection)), following)[-TERMS_KEPT:])


def take_back(connection: Connection, epoch: int) -> None:
    """Remove the latest term, if it is that of this epoch."""
    terms = _terms(_row(connection))
    if terms and terms[-1].epoch == epoch:
        _write(connection, terms[:-1])


def mark_load(connection: Connection, epoch: int) -> BegunTerm:
    """Write a new mark, which whoever loads after this finds; wants this epoch to lead."""
    row = _row(connection)
    mark = secrets.randbits(_MARK_BITS)
    connection.execute(update(tables.lease).where(_ROW).values(load_mark=mark))
    terms = _terms(row)
    assert terms[-1].epoch == epoch, f"epoch {epoch} has no term in {terms}"
    return BegunTerm(Lineage(row.database_id, terms), mark)


def load_mark(connection: Connection) -> int:
    """Give the mark that this transaction sees."""
    return int(connection.execute(select(tables.lease.c.load_mark).where(_ROW)).scalar_one())


def _row(connection: Connection) -> Row[str, str, int]:
    lease = tables.lease.c
    return connection.execute(select(lease.database_id, lease.terms, lease.renewals).where(_ROW)).one()


def _terms(row: Row[str, str, int]) -> tuple[Term, ...]:
    terms = msgspec.json.decode(row.terms, type=tuple[Term, ...])
    return (*terms[:-1], msgspec.structs.replace(terms[-1], renewals=row.renewals)) if terms else ()


def _write(connection: Connection, terms: tuple[Term, ...]) -> None:
    renewals = terms[-1].renewals if terms else 0
    encoded = msgspec.json.encode(terms).decode()
    connection.execute(update(tables.lease).where(_ROW).values(terms=encoded, renewals=renewals))
