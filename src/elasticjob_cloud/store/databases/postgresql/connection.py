"""One connection to PostgreSQL, which never waits for ever: neither for a server that hangs nor for a lock."""

import itertools
import select
from collections.abc import Generator
from contextlib import suppress
from typing import Any, Final

import msgspec
import psycopg
from psycopg.waiting import Ready, Wait

# The lease lasts 4 s by default: what blocks longer than that is of no use to a leader any more.
CONNECT_SECONDS: Final = 3
# A host that is gone is noticed after 5 s: while it should acknowledge what was sent, and while it should answer.
_KEEPALIVES: Final = {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 3}
# libpq's words for them.
_NETWORK: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "keepalives": 1,
    **_KEEPALIVES,
    "tcp_user_timeout": 5000,
    # Of several hosts the one that takes writes; alone, a standby is refused at once.
    "target_session_attrs": "read-write",
    "application_name": "elasticjob-cloud",
}

_EVENTS: Final = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}

_LINE: Final = "SELECT system_identifier || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8) FROM pg_control_system()"


class Limits(msgspec.Struct, frozen=True):
    """How long a connection waits, in seconds.

    The server ends a statement after `statement`, a wait for a lock after `lock`, and a transaction in which it hears
    nothing after `idle`. `silence`: the server says nothing at all, it is frozen or cut off; the connection is closed.
    """

    statement: float
    lock: float
    idle: float
    silence: float


WRITER_LIMITS: Final = Limits(statement=5, lock=2, idle=10, silence=6)
# A load of a million jobs takes many seconds: first at the server, then here, where its rows are decoded.
READER_LIMITS: Final = Limits(statement=60, lock=2, idle=60, silence=10)


class PostgresConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is closed, with an error, when the server says nothing for too long."""

    silence_seconds: float | None = None
    generation = 0
    is_new = True  # nobody has used it
    line = ""  # of the server's history, which differs after a promotion; unknown: empty

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.prepared: dict[str, bytes] = {}  # the names of statements that batches prepared
        self._names = itertools.count()

    def new_name(self) -> bytes:
        """Give a name that no statement of this connection had."""
        return f"batch_{next(self._names)}".encode()

    def wait(self, gen: Generator[Any, Any, Any], *_: Any, **__: Any) -> Any:
        """Do as the method of the same name, in which all calls wait for the server, and give up after a silence."""
        limit_ms = None if self.silence_seconds is None else self.silence_seconds * 1000
        poll = select.poll()
        socket = (
            self.pgconn.socket
        )  # once: there is none any more where the connection broke, and `gen` must say so
        try:
            wanted = next(gen)
            while True:
                poll.register(socket, _EVENTS[wanted])
                happened = poll.poll(limit_ms)
                if not happened:
                    self._break_off(gen)
                    raise psycopg.OperationalError(f"no answer for {self.silence_seconds:g} s")
                # A connection that broke is readable too: reading says what happened to it.
                events = happened[0][1]
                is_writable = events & select.POLLOUT
                is_readable = events & ~select.POLLOUT
                wanted = gen.send((Ready.R if is_readable else 0) | (Ready.W if is_writable else 0))
        except StopIteration as end:
            return end.value

    def _break_off(self, gen: Generator[Any, Any, Any]) -> None:
        self.pgconn.finish()
        # What it would clean up is gone with the connection.
        with suppress(psycopg.Error):
            gen.close()

    def takes_writes(self) -> bool:
        """Ask the server whether it is the primary: libpq's own question, and only within no transaction."""
        self.autocommit = True
        try:
            rows = self.execute(
                "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')"
            )
            return rows.fetchone() == (False, "off")
        finally:
            if not self.closed:
                self.autocommit = False

    def hears_nothing(self) -> bool:
        """Tell whether there is nothing to read: an idle connection has only the news of its end to read."""
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return not poll.poll(0)


def connect(arguments: dict[str, Any], limits: Limits, *, writes: bool) -> PostgresConnection:
    """Open a connection.

    `arguments` are libpq's, and go before ours. Raises `psycopg.Error`.
    """
    connection = PostgresConnection.connect(**{**_NETWORK, **arguments}, autocommit=True)
    try:
        connection.silence_seconds = limits.silence
        connection.execute(_settings(limits, writes=writes))
        if writes:
            connection.line = _line_of(connection)
        connection.autocommit = False
        # The URL may ask for any server, and a proxy may lead to any.
        if not connection.takes_writes():
            raise psycopg.errors.ReadOnlySqlTransaction("session is read-only")  # noqa: TRY301 - closed like all others
        # A plan that was made for one filter's value is bad for another's. And a rollback would have psycopg drop what
        # it has prepared, with all that batches have: they prepare by themselves.
        connection.prepare_threshold = None
        if writes:
            connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        else:
            # One state of the database for a page's rows and their total, and for all that a new leader loads.
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
    except BaseException:
        connection.close()
        raise
    return connection


def _line_of(connection: PostgresConnection) -> str:
    # Services that only speak PostgreSQL's language may not know these.
    with suppress(psycopg.DatabaseError):
        row = connection.execute(_LINE).fetchone()
        return "" if row is None else str(row[0])
    return ""


def _settings(limits: Limits, *, writes: bool) -> str:
    values = {
        "statement_timeout": _milliseconds(limits.statement),
        "lock_timeout": _milliseconds(limits.lock),
        "idle_in_transaction_session_timeout": _milliseconds(limits.idle),
        "client_connection_check_interval": "2000",
        # A batch that was cut off has no limit at the server, and keeps its locks.
        **{f"tcp_{name}": str(value) for name, value in _KEEPALIVES.items()},
    }
    if writes:
        # All its statements find rows by keys. A plan that was made while a table was small must not stay for ever.
        values |= {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off"}
    settings = [f"SET {name} = {value}" for name, value in values.items()]
    # Stricter values stay, this one would break a promise: what was answered must survive the loss of power.
    settings.append(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    return "; ".join(settings)


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
