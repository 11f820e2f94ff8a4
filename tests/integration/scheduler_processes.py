"""Schedulers as real processes that share a PostgreSQL database, each with an engine whose tasks end at once.

Run as a program it is one of them: `python -m tests.integration.scheduler_processes DATABASE_URL DATA_DIR PORT`.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from elasticjob_cloud.server import build_server
from elasticjob_cloud.server.logs import configure_logs
from elasticjob_cloud.service.settings import SchedulerSettings
from tests.integration.test_scheduler_service import InstantEngine
from tests.postgres_server import free_port

_DEADLINE_SECONDS = 20.0
_ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def wait_for(look: Callable[[], T], what: str, seconds: float = _DEADLINE_SECONDS) -> T:
    """Look until there is something true, or the deadline passes."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: it never came to pass"
        time.sleep(0.01)


class SchedulerProcess:
    """One scheduler."""

    def __init__(self, database_url: str, directory: Path) -> None:
        self.port = free_port("127.0.0.1")
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / "log"
        self._command = (database_url, str(directory / "data"), str(self.port))
        self._clients: list[httpx.Client] = []
        directory.mkdir()
        self.start()

    def start(self) -> None:
        """Start it, again."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.scheduler_processes", *self._command],
                cwd=_ROOT,
                stdout=log,
                stderr=log,
            )

    def log(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self._log.read_text())

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def leads(self) -> bool:
        return self.metric("elasticjob_leader") == 1

    def metric(self, name: str) -> float | None:
        """Give a metric, or None while it does not answer."""
        try:
            text = httpx.get(f"{self.url}/metrics", timeout=0.5).text
        except httpx.TransportError:
            return None
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), None)

    def client(self, **options: Any) -> httpx.Client:
        """Give a client that has logged in as root here."""
        client = httpx.Client(base_url=f"{self.url}/api", timeout=20, trust_env=False, **options)
        self._clients.append(client)
        answer = client.post("/login", json={"username": "root", "password": "pwd"})
        assert answer.status_code == 200, answer.text
        client.headers["accessToken"] = answer.json()["accessToken"]
        return client

    def end(self) -> None:
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(_DEADLINE_SECONDS)


@contextmanager
def schedulers(database_url: str, directory: Path, count: int) -> Iterator[Sequence[SchedulerProcess]]:
    """Run so many, of which the first leads."""
    started: list[SchedulerProcess] = []
    try:
        for number in range(count):
            started.append(SchedulerProcess(database_url, directory / f"s{number}"))
            wait_for(started[-1].is_up, "the scheduler is ready")
        yield started
    finally:
        for scheduler in started:
            scheduler.end()


def main() -> None:
    """Serve until SIGTERM."""
    database_url, data_dir, port = sys.argv[1:]
    os.environ.clear()
    configure_logs("info", "console", sys.stderr)
    settings = SchedulerSettings(
        database_url=database_url, data_dir=Path(data_dir), port=int(port), time_zone="UTC"
    )
    build_server(settings, engine=InstantEngine()).run()


if __name__ == "__main__":
    main()
