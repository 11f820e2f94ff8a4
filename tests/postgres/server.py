"""A real PostgreSQL server for tests, ended with them whatever happens.

    with PostgresServer() as server:                    # a new data directory, a free port on loopback
        server.create_database("cloud")
        store = SqlStore(server.url("cloud"))           # postgresql://elasticjob:...@127.0.0.1:PORT/cloud
        server.freeze(); server.thaw()                  # SIGSTOP and SIGCONT of all its processes
        server.kill()                                   # kill -9 of all of them, as when the power goes
        server.restart()                                # or start(); the data is there

Other uses:

    PostgresServer(durable=True)                        # fsync on; off otherwise, which is many times faster
    PostgresServer(data_dir, port=5432)                 # a directory and a port of one's own; the data stays
    PostgresServer(host="10.7.0.1", port=5432, prefix=("ip", "netns", "exec", "db"))  # on a host that a test made

Where its programs come from is said in `tests/postgres/programs.py`. PostgreSQL refuses to run as root; then it runs as
`nobody`, and whoever names a data directory must see to it that `nobody` can reach that.

A server belongs to the process that started it, and ends with it, however that ends (`tests/postgres/supervisor.py`).
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil
import psycopg
from psycopg import sql

from tests.postgres.programs import NOBODY, find_programs
from tests.processes import free_port

START_SECONDS = 45.0  # of a busy machine; less than a test has
SUPERVISOR = Path(__file__).with_name("supervisor.py")
SUPERUSER = "postgres"
USER = "elasticjob"  # owns the databases, and may do nothing else
_PORT_TRIES = 3
_FAST_NOT_SAFE = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """One server with a data directory of its own; see the module for its use."""

    def __init__(
        self,
        data_dir: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Choose what `start` starts.

        `data_dir`: made by `start` if need be, and left there; by default a temporary one. `port`: 0 for a free one.
        `durable`: commits reach the disk. `settings`: more of `postgresql.conf`. `prefix`: a command that runs the
        server elsewhere, such as in a network namespace.

        Raises:
            PostgresMissingError: no PostgreSQL is installed.
        """
        self._programs = find_programs()
        self._owner = NOBODY if os.geteuid() == 0 else None
        # Sockets have short paths, so theirs is not in the data directory, which may lie deep.
        self._scratch = Path(tempfile.mkdtemp(prefix="ejpg-"))
        self._give_away(self._scratch)
        self.data_dir = data_dir or self._scratch / "data"
        self.host = host
        self.port = port
        self._settings = {**({} if durable else _FAST_NOT_SAFE), **(settings or {})}
        self._prefix = tuple(prefix)
        self._password = ""
        self._supervisor: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it takes connections; a new data directory is made first."""
        assert self._supervisor is None, "the server runs already"
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        self._give_away(self._scratch)
        is_new = not (self.data_dir / "PG_VERSION").exists()
        if is_new:
            self._initialise()
        self._password = (self.data_dir / "test-password").read_text()
        tries = _PORT_TRIES if self.port == 0 else 1
        while not self._try_start(self.port or free_port(self.host)):
            tries -= 1
            assert tries > 0, f"PostgreSQL does not start:\n{self.log()}"
        if is_new:
            self._create_user()

    def stop(self) -> None:
        """Stop the server cleanly (its clients are cut off), and keep the data; nothing to do if it is down."""
        if self._supervisor is not None:
            self.thaw()
            self._postmaster().send_signal(signal.SIGINT)
            self._supervisor.wait(START_SECONDS)
            self._forget()

    def kill(self) -> None:
        """Kill all processes of the server at once (`kill -9`), and keep the data."""
        assert self._supervisor is not None
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._supervisor.wait(START_SECONDS)
        self._forget()

    def restart(self) -> None:
        """Stop the server if it runs, and start it again on the same port."""
        self.stop()
        self.start()

    def recover(self) -> None:
        """Let the server go on if it is frozen, and start it if it is down."""
        self.thaw()
        if self._supervisor is None:
            self.start()

    def freeze(self) -> None:
        """Stop all processes of the server where they are (SIGSTOP): connections stay, and nothing answers."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        """Let a frozen server go on (SIGCONT)."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def close(self) -> None:
        """Stop the server without ado, and remove what it has in the temporary directory."""
        if self._supervisor is not None:
            assert self._supervisor.stdin is not None
            self._supervisor.stdin.close()
            self._supervisor.wait(START_SECONDS)
            self._supervisor = None
        shutil.rmtree(self._scratch, ignore_errors=True)

    def url(self, database: str = "postgres", *, user: str = USER, scheme: str = "postgresql") -> str:
        """Give the URL of a database on this server, with the password of all its users in it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{user}:{self._password}@{host}:{self.port}/{database}"

    def create_database(self, name: str, *, template: str = "template0") -> None:
        """Make a database; with another as template, nobody may be connected to that."""
        self.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(USER), sql.Identifier(template)
            )
        )

    def drop_database(self, name: str) -> None:
        """Drop a database, and cut off who is connected to it."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed | str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser, through the server's Unix socket, and give its rows if it has any."""
        with psycopg.connect(
            host=str(self._scratch),
            port=self.port,
            user=SUPERUSER,
            password=self._password,
            dbname=database,
            autocommit=True,
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def log(self) -> str:
        """Give what the server logged."""
        return (self._scratch / "server.log").read_text(errors="replace")

    def __enter__(self) -> Self:
        try:
            self.start()
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

    def _initialise(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give_away(self.data_dir)
        password = secrets.token_urlsafe(12)
        password_file = self._scratch / "password"
        password_file.write_text(password)
        self._give_away(password_file)
        made = subprocess.run(
            [
                str(self._programs / "initdb"),
                "--pgdata",
                str(self.data_dir),
                "--username",
                SUPERUSER,
                "--pwfile",
                str(password_file),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync",
            ],
            cwd=self._scratch,
            user=self._owner,
            group=self._owner,
            extra_groups=None if self._owner is None else [],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        password_file.unlink()
        assert made.returncode == 0, f"initdb fails:\n{made.stdout}\n{made.stderr}"
        kept = self.data_dir / "test-password"
        kept.write_text(password)
        kept.chmod(0o600)
        self._give_away(kept)
        with (self.data_dir / "pg_hba.conf").open("a") as rules:
            # Hosts in network namespaces are none that initdb knows.
            rules.write("host all all samenet scram-sha-256\n")

    def _try_start(self, port: int) -> bool:
        """Start the server; False when another program has the port."""
        settings = {
            "listen_addresses": self.host,
            "port": str(port),
            "unix_socket_directories": str(self._scratch),
            "max_connections": "60",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        owner = "-" if self._owner is None else str(self._owner)
        self._unsay_ready()
        with (self._scratch / "server.log").open("ab") as log:
            self._give_away(self._scratch / "server.log")
            self._supervisor = self._start_supervisor(owner, options, log)
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready(port):
            if self._supervisor.poll() is not None:
                self._forget()
                if "could not bind" in self.log():
                    return False
                raise AssertionError(f"PostgreSQL does not start:\n{self.log()}")
            assert time.monotonic() < deadline, f"PostgreSQL does not get ready:\n{self.log()}"
            time.sleep(0.01)
        self.port = port
        return True

    def _start_supervisor(
        self, owner: str, options: Sequence[str], log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *self._prefix,
                sys.executable,
                "-I",
                str(SUPERVISOR),
                owner,
                str(self._scratch),
                str(self._programs / "postgres"),
                "-D",
                str(self.data_dir),
                *options,
            ],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _is_ready(self, port: int) -> bool:
        # As pg_ctl does it: the last line of this file is the server's state.
        with contextlib.suppress(OSError):
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[3] == str(port) and lines[7].strip() == "ready"
        return False

    def _unsay_ready(self) -> None:
        """Take back what a server that was killed says of itself; the rest tells the next one what to clear away."""
        file = self.data_dir / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError):
            file.write_text("\n".join([*file.read_text().splitlines()[:7], ""]))

    def _create_user(self) -> None:
        # So that a login takes 1 ms and not 6, if the server has that setting: it is newer than 15.
        quick = "SELECT set_config(name, '1', false) FROM pg_settings WHERE name = 'scram_iterations'; "
        roles = sql.SQL(quick + "CREATE ROLE {} LOGIN PASSWORD {}; ALTER ROLE {} PASSWORD {}")
        password = sql.Literal(self._password)
        self.execute(roles.format(sql.Identifier(USER), password, sql.Identifier(SUPERUSER), password))

    def _processes(self) -> list[psutil.Process]:
        """Give all processes of the server, the postmaster first."""
        if self._supervisor is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self._supervisor.pid).children(recursive=True)
            return [process for process in below if process.pid != self._supervisor.pid]
        return []

    def _postmaster(self) -> psutil.Process:
        return self._processes()[0]

    def _forget(self) -> None:
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.close()
        self._supervisor = None

    def _give_away(self, path: Path) -> None:
        if self._owner is not None:
            os.chown(path, self._owner, self._owner)
