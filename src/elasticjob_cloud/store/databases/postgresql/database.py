"""PostgreSQL: a server, one connection that writes, several that read."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Insert,
    Table,
    create_engine,
    event,
    literal_column,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from elasticjob_cloud.model.errors import ElasticJobError, StartError
from elasticjob_cloud.store.databases.batch import Batch
from elasticjob_cloud.store.databases.compiled import Statement, compiled_text
from elasticjob_cloud.store.databases.postgresql import errors as postgresql_errors
from elasticjob_cloud.store.databases.postgresql.batch import PostgresBatch
from elasticjob_cloud.store.databases.postgresql.connection import (
    READER_LIMITS,
    WRITER_LIMITS,
    Limits,
    PostgresConnection,
    connect,
)
from elasticjob_cloud.store.databases.postgresql.size import database_size
from elasticjob_cloud.store.databases.size import DatabaseSize
from elasticjob_cloud.store.databases.url import shown_name

_log = logging.getLogger(__name__)

OLDEST_SERVER: Final = 15  # none older is tried
_READERS: Final = 4
# libpq's own placeholders.
_BATCH_DIALECT: Final = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy's
_MIGRATION_LOCK: Final = 0x656A_636C  # any number that others will hardly choose
_NOW_MS: Final = "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)"
# Whoever holds the lease's row does so for some milliseconds. One that has held it for a second, and whose lease is
# over, is frozen or gone, and its transaction may stay open for as long as it likes. The lock is seen at the table, as
# rows' locks are listed nowhere; a session that waits for it is none that holds it.
_END_STUCK_LEADERS: Final = f"""
    SELECT pg_terminate_backend(holder.pid)
    FROM pg_locks AS held JOIN pg_stat_activity AS holder USING (pid)
    WHERE held.relation = 'lease'::regclass AND held.granted AND held.mode IN ('RowShareLock', 'RowExclusiveLock')
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND holder.pid <> pg_backend_pid() AND holder.wait_event_type IS DISTINCT FROM 'Lock'
        AND holder.xact_start < clock_timestamp() - INTERVAL '1 second'
        AND EXISTS (SELECT 1 FROM lease WHERE id = 1 AND expires_ms <= {_NOW_MS})
"""  # noqa: S608 - a constant of ours


class PostgresqlDatabase:
    """A database on a PostgreSQL server, reached by psycopg."""

    has_clock = True

    def __init__(self, url: URL) -> None:
        self._name = shown_name(url)
        self.moves = 0
        self._line = ""  # of the history of the server that was written to last
        self._generation = 0  # of sessions; those of an earlier one are not used again
        self.writer = self._engine(url, WRITER_LIMITS, writes=True)
        self.reader = self._engine(url, READER_LIMITS, writes=False)

    def open(self) -> None:
        try:
            with self.writer.connect() as connection:
                self._check_server(connection)
        except DBAPIError as error:
            raise StartError(str(self.explain(error))) from error

    def _check_server(self, connection: Connection) -> None:
        version, encoding, fsync = connection.exec_driver_sql(
            "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), "
            "current_setting('fsync')"
        ).one()
        if version < OLDEST_SERVER:
            raise StartError(
                f"The server of the database {self._name} is PostgreSQL {version}. Use {OLDEST_SERVER} or newer."
            )
        if encoding != "UTF8":
            raise StartError(
                f"The database {self._name} has the encoding {encoding}. Create one with ENCODING 'UTF8'."
            )
        if fsync != "on":
            _log.warning(
                "The server of the database %s runs with fsync=off: a loss of power there may damage all.",
                self._name,
            )

    def begin_migration(self, connection: Connection) -> None:
        """Wait until no other scheduler migrates, and let statements take as long as many rows want."""
        _driver_connection(connection).silence_seconds = None
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})

    def end_stuck_leaders(self, connection: Connection) -> None:
        ended = connection.exec_driver_sql(_END_STUCK_LEADERS).fetchall()
        if ended:
            _log.warning(
                "Ended the database session of a leader whose lease is over, and that kept it locked."
            )

    def insert(self, table: Table) -> postgresql.Insert:
        return postgresql.Insert(table)

    def text_of(self, statement: Statement, order: Sequence[str]) -> str:
        return compiled_text(_BATCH_DIALECT, statement, order)

    def insert_many(self, statement: Insert, columns: Sequence[Column[Any]]) -> str:
        row_by_row = self.text_of(statement, [column.name for column in columns])
        selected = f"SELECT * FROM {_unnest(columns)}"  # noqa: S608 - our own names
        at_once, count = re.subn(r"VALUES \([^()]*\)", lambda _: selected, row_by_row, count=1)
        assert count == 1, row_by_row
        return at_once

    def delete_many(self, table: Table) -> str:
        keys = list(table.primary_key.columns)
        names = ", ".join(key.name for key in keys)
        matches = " AND ".join(f"{table.name}.{key.name} = gone.{key.name}" for key in keys)
        return f"DELETE FROM {table.name} USING {_unnest(keys)} AS gone ({names}) WHERE {matches}"  # noqa: S608 - our own names

    @contextmanager
    def together(self, connection: Connection) -> Iterator[Batch]:
        driver_connection = _driver_connection(connection)
        try:
            with PostgresBatch(driver_connection) as batch:
                yield batch
        except psycopg.Error as error:
            if driver_connection.closed:
                connection.invalidate(error)
            raise DBAPIError.instance(
                None, None, error, psycopg.Error, connection_invalidated=driver_connection.closed
            ) from error

    def now_ms(self) -> ColumnElement[int]:
        return literal_column(_NOW_MS, BigInteger)

    def explain(self, error: DBAPIError, *, committing: bool = False) -> ElasticJobError:
        if isinstance(error.orig, psycopg.errors.ReadOnlySqlTransaction):
            self.forget_sessions()
        return postgresql_errors.explain(error, self._name, committing=committing)

    def forget_sessions(self) -> None:
        self._generation += 1

    def _note_line(self, line: str) -> None:
        if self._line and line and line != self._line:
            _log.warning("The database %s is on another server now: a standby was promoted.", self._name)
            self.moves += 1
        self._line = line or self._line

    def size(self, connection: Connection) -> DatabaseSize:
        return database_size(connection)

    def keep_room(self) -> bool:
        """Do nothing: the disk is the server's."""
        return False

    def make_room(self) -> None:
        """Do nothing: the disk is the server's."""

    def close(self) -> None:
        for engine in (self.reader, self.writer):
            with suppress(DBAPIError, psycopg.Error):
                engine.dispose()

    def _engine(self, url: URL, limits: Limits, *, writes: bool) -> Engine:
        # A URL that is shown hides the password alone.
        secrets = {name: value for name, value in url.query.items() if name == "sslpassword"}
        engine = create_engine(
            url.set(drivername="postgresql+psycopg").difference_update_query(secrets),
            connect_args=secrets,
            use_native_hstore=False,
            pool_size=1 if writes else _READERS,
            max_overflow=0,
            pool_timeout=30,
            pool_use_lifo=True,
        )

        @event.listens_for(engine, "do_connect")
        def open_connection(
            _dialect: Any, _entry: ConnectionPoolEntry, _positional: Any, arguments: dict[str, Any]
        ) -> PostgresConnection:
            if writes:
                # The address may lead to another server by now, and readers must follow.
                self.forget_sessions()
            generation = self._generation
            connection = connect(arguments, limits, writes=writes)
            connection.generation = generation
            if writes:
                self._note_line(connection.line)
            return connection

        @event.listens_for(engine, "checkout")
        def prepare(
            connection: PostgresConnection, _entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
        ) -> None:
            connection.silence_seconds = limits.silence  # a migration lifts it
            if connection.is_new:
                connection.is_new = False
                return
            # After a restart of the server no call fails that a new connection can serve; this asks nobody.
            if connection.closed or not connection.hears_nothing():
                raise DisconnectionError
            if connection.generation < self._generation:
                raise DisconnectionError
            # A writer finds out by writing.
            if not writes and not connection.takes_writes():
                self.forget_sessions()
                raise DisconnectionError

        return engine


def _unnest(columns: Sequence[Column[Any]]) -> str:
    """Give the rows that parameters hold, an array for each column."""
    types = (column.type.compile(dialect=_BATCH_DIALECT) for column in columns)
    return f"unnest({', '.join(f'${number}::{name}[]' for number, name in enumerate(types, 1))})"


def _driver_connection(connection: Connection) -> PostgresConnection:
    driver_connection = connection.connection.driver_connection
    assert isinstance(driver_connection, PostgresConnection)
    return driver_connection
