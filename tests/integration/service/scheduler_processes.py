"""Schedulers as real processes that share a PostgreSQL database, each with an engine whose tasks end at once."""

import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from elasticjob_cloud.engine.contract import EventSink
from elasticjob_cloud.server import build_server
from elasticjob_cloud.server.logs import configure_logs
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from tests.forks import FORKS
from tests.http_client import http_client, http_get
from tests.integration.service.instant_engine import InstantEngine
from tests.processes import free_port
from tests.waiting import wait_for

_DEADLINE_SECONDS = 20.0


class CountingEngine(InstantEngine):
    """Its agent counts its batches on from term to term, although another process leads in each."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        # Not the time of the process's start: the second of a pair may lead first.
        self._sequence = time.time_ns()
        await super().start(epoch, known_agents, sink)


class SchedulerProcess:
    """One scheduler."""

    def __init__(
        self, database_url: str, directory: Path, lease_seconds: float, *, no_auth: bool = False
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / "log"
        self._command = (database_url, str(directory / "data"), self.port, lease_seconds, no_auth)
        self._clients: list[httpx.Client] = []
        directory.mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it, again."""
        self.process = FORKS.Process(target=serve, args=(*self._command, str(self._log)), daemon=True)
        self.process.start()

    def log(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self._log.read_text())

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def wait(self) -> int | None:
        """Wait for its end; give its exit code."""
        self.process.join(_DEADLINE_SECONDS)
        return self.process.exitcode

    def is_up(self) -> bool:
        assert self.process.is_alive(), self.log()
        try:
            return http_get(f"{self.url}/readyz", timeout=5).is_success
        except httpx.TransportError:
            return False

    def leads(self) -> bool:
        return self.metric("elasticjob_leader") == 1

    def metric(self, name: str) -> float | None:
        """Give a metric, or None where it does not answer."""
        try:
            text = http_get(f"{self.url}/metrics", timeout=5).text
        except httpx.TransportError:
            return None
        return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(name)), None)

    def client(self, **options: Any) -> httpx.Client:
        """Give a client that has logged in as root here."""
        client = http_client(base_url=f"{self.url}/api", timeout=20, **options)
        self._clients.append(client)
        answer = client.post("/login", json={"username": "root", "password": "pwd"})
        assert answer.status_code == 200, answer.text
        client.headers["accessToken"] = answer.json()["accessToken"]
        return client

    def end(self) -> None:
        for client in self._clients:
            client.close()
        self.process.kill()
        self.process.join(_DEADLINE_SECONDS)


@contextmanager
def schedulers(
    database_url: str, directory: Path, count: int, lease_seconds: float = 4.0
) -> Iterator[Sequence[SchedulerProcess]]:
    """Run so many, of which the first leads."""
    started: list[SchedulerProcess] = []
    try:
        started.extend(
            SchedulerProcess(database_url, directory / f"s{number}", lease_seconds) for number in range(count)
        )
        for scheduler in started:
            wait_for(scheduler.is_up, "the scheduler is ready")
        yield sorted(started, key=lambda it: not it.leads())
    finally:
        for scheduler in started:
            scheduler.end()


def serve(database_url: str, data_dir: str, port: int, lease_seconds: float, no_auth: bool, log: str) -> None:
    """Serve until SIGTERM."""
    with Path(log).open("ab") as output:
        os.dup2(output.fileno(), sys.stdout.fileno())
        os.dup2(output.fileno(), sys.stderr.fileno())
    configure_logs("info", "console", sys.stderr)
    settings = SchedulerSettings(
        database_url=database_url,
        data_dir=Path(data_dir),
        port=port,
        time_zone="UTC",
        lease_seconds=lease_seconds,
        no_auth=no_auth,
    )
    build_server(settings, engine=CountingEngine()).run()
