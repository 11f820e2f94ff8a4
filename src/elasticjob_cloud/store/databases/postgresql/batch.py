"""A batch of statements that costs one exchange with the server, and little of our own time.

psycopg's pipelines wait after each statement for the moment when it can be sent, and send each by itself; so this
works with libpq's functions, which psycopg offers too. Each statement is prepared the first time that a connection
sees it.
"""

from collections.abc import Generator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import msgspec
import psycopg
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.waiting import Ready, Wait

from elasticjob_cloud.store.databases.batch import UnmetError
from elasticjob_cloud.store.databases.postgresql.connection import PostgresConnection
from elasticjob_cloud.store.rows import Row

_BEGIN: Final = b"BEGIN ISOLATION LEVEL READ COMMITTED"


class _Sent(msgspec.Struct, frozen=True):
    """A command that the server is to answer."""

    prepares: str = ""  # this statement,
    name: bytes = b""  # under this name
    is_required: bool = False


class PostgresBatch:
    """A `Batch` (see `store/databases/batch.py`) within a transaction, which it begins if there is none.

    The server stops at the first statement that fails. Wants that nobody else uses the connection meanwhile.
    """

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._sent: list[_Sent] = []
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        is_idle = self._pgconn.transaction_status == TransactionStatus.IDLE
        self._pgconn.enter_pipeline_mode()
        if is_idle:
            self._pgconn.send_query_params(_BEGIN, None)
            self._sent.append(_Sent())
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """Wait for the server's answers.

        Raises:
            UnmetError: a requirement is not met.
            psycopg.Error: what was first to fail.
        """
        if error is None:
            self._finish()
        else:
            # So that the connection can be used again. What was first says more.
            with suppress(psycopg.Error, UnmetError):
                self._finish()

    def require(self, query: str, parameters: Row) -> None:
        # Only an error keeps the server from executing what follows.
        failing = f"SELECT 1 / count(*) FROM ({query}) AS required"  # noqa: S608 - a statement of ours
        self._send(failing, [str(value) for value in parameters], is_required=True)

    def execute(self, statement: str, parameters: Row) -> None:
        self._send(statement, [str(value) for value in parameters])

    def execute_many(self, statement: str, rows: Sequence[Row]) -> None:
        # One statement for all rows costs the server half of one for each.
        if rows:
            self._send(statement, [_array(values) for values in zip(*rows, strict=True)])

    def _send(self, statement: str, parameters: list[str], *, is_required: bool = False) -> None:
        name = self._connection.prepared.get(statement)
        if name is None:
            name = self._connection.new_name()
            self._pgconn.send_prepare(name, statement.encode())
            self._sent.append(_Sent(prepares=statement, name=name))
        self._pgconn.send_query_prepared(name, [text.encode() for text in parameters])
        self._sent.append(_Sent(is_required=is_required))

    def _finish(self) -> None:
        try:
            self._pgconn.pipeline_sync()
            self._connection.wait(self._take_answers())
            self._pgconn.exit_pipeline_mode()
        except psycopg.Error as error:
            # Where the connection is lost, the server may have said why.
            raise self._failure or error from None
        if self._failure is not None:
            raise self._failure

    def _take_answers(self) -> Generator[Wait, Ready, None]:
        while self._pgconn.flush():
            # The server may take nothing more until its answers are read.
            if (yield Wait.RW) & Ready.R:
                self._pgconn.consume_input()
        for sent in self._sent:
            self._take(sent, (yield from self._next_result()))
            # Each command's results end with none.
            yield from self._next_result()
        yield from self._next_result()  # of the synchronisation

    def _next_result(self) -> Generator[Wait, Ready, PGresult | None]:
        while self._pgconn.is_busy():
            yield Wait.R
            self._pgconn.consume_input()
        return self._pgconn.get_result()

    def _take(self, sent: _Sent, result: PGresult | None) -> None:
        if result is None:
            raise psycopg.OperationalError("the connection is lost")
        if result.status == ExecStatus.FATAL_ERROR:
            error = psycopg.errors.error_from_result(result)
            is_unmet = sent.is_required and isinstance(error, psycopg.errors.DivisionByZero)
            self._failure = self._failure or (UnmetError() if is_unmet else error)
        elif sent.prepares and result.status == ExecStatus.COMMAND_OK:
            self._connection.prepared[sent.prepares] = sent.name


def _array(values: Sequence[Any]) -> str:
    """Write an array as text, for which psycopg takes ten times as long. A column has either texts or numbers."""
    return _text_array(values) if isinstance(values[0], str) else f"{{{str(list(values))[1:-1]}}}"


def _text_array(values: Sequence[str]) -> str:
    joined = '","'.join(values)
    # Hardly any text has what must be escaped.
    if "\\" in joined or joined.count('"') > 2 * (len(values) - 1):
        joined = '","'.join([value.replace("\\", "\\\\").replace('"', '\\"') for value in values])
    return f'{{"{joined}"}}'
