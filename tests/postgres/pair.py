"""Two PostgreSQL servers, a primary and its standby, behind one address that moves from one to the other.

with PostgresPair() as pair:
    pair.url                    # leads to the primary
    pair.make_read_only()       # the primary takes no writes any more, and keeps its sessions
    pair.promote()              # the standby is a primary, and new connections lead to it
"""

import contextlib
import functools
import os
import select
import shutil
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql

from tests.postgres.programs import NOBODY
from tests.postgres.server import SUPERUSER, PostgresServer
from tests.waiting import wait_for

_DEADLINE_SECONDS = 60.0
_SETTINGS = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}


class PostgresPair:
    """See the module."""

    def __init__(self) -> None:
        self.primary = PostgresServer(settings=_SETTINGS)
        self.standby: PostgresServer | None = None
        self._address = MovingAddress()

    @property
    def url(self) -> str:
        """Where clients go, whichever server is behind it."""
        parts = urlsplit(self.primary.url("cloud"))
        place = f"{parts.username}:{parts.password}@127.0.0.1:{self._address.port}"
        return urlunsplit(parts._replace(netloc=place))

    def __enter__(self) -> Self:
        try:
            self.primary.start()
            self.primary.create_database("cloud")
            self._start_standby()
            self._address.lead_to(self.primary.port)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End both servers."""
        if self.standby is not None:
            self.standby.close()
        self.primary.close()
        self._address.close()

    def make_read_only(self) -> None:
        """Have the primary refuse writes, in sessions that are open too, as who switches over by hand does first."""
        self.primary.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        self.primary.execute("SELECT pg_reload_conf()")
        wait_for(
            lambda: self.primary.execute("SHOW default_transaction_read_only") == [("on",)],
            "the primary takes writes",
        )

    def promote(self) -> None:
        """Make the standby a primary; new connections go there, and those to the former one stay."""
        assert self.standby is not None
        standby = self.standby
        standby.execute("SELECT pg_promote()")
        wait_for(
            lambda: standby.execute("SELECT pg_is_in_recovery()") == [(False,)], "the standby is promoted"
        )
        self._address.lead_to(standby.port)

    def wait_for_standby(self) -> None:
        """Wait until the standby has all that the primary has."""
        assert self.standby is not None
        standby = self.standby
        (row,) = self.primary.execute("SELECT pg_current_wal_lsn()::text")
        reached = sql.SQL("SELECT pg_last_wal_replay_lsn() >= {}::pg_lsn").format(sql.Literal(row[0]))
        wait_for(lambda: standby.execute(reached) == [(True,)], "the standby has all of it")

    def _start_standby(self) -> None:
        primary = self.primary
        # Stopped for the copy: that needs no program which some installations lack.
        primary.stop()
        standby = self.standby = PostgresServer(settings=_SETTINGS)
        shutil.copytree(primary.data_dir, standby.data_dir)
        (standby.data_dir / "standby.signal").touch()
        with (standby.data_dir / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{primary.url(user=SUPERUSER)}'\n")
        if os.geteuid() == 0:
            for path in (standby.data_dir, *standby.data_dir.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
        standby.data_dir.chmod(0o700)
        primary.start()
        standby.start()
        wait_for(
            lambda: primary.execute("SELECT state FROM pg_stat_replication") == [("streaming",)],
            "the standby follows",
        )


class MovingAddress:
    """A port that passes connections on to another port, and each new one to the latest."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._target = 0
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def lead_to(self, port: int) -> None:
        """Have new connections go there."""
        self._target = port

    def close(self) -> None:
        """Take no more. The servers are gone by then, and with them all that was passed on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(_DEADLINE_SECONDS)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="address", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._start(functools.partial(_pass_on, client, self._target))


def _pass_on(client: socket.socket, port: int) -> None:
    with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
        other = {client: server, server: client}
        while True:
            readable, _, _ = select.select(list(other), [], [])
            for source in readable:
                data = source.recv(1 << 16)
                if not data:
                    return
                other[source].sendall(data)
