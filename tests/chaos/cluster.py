"""The cluster under test: a database, two schedulers, Ray's head and its nodes, each on a host of its own.

db     PostgreSQL                                s1, s2   a scheduler, and a Ray node without CPUs for its driver
head   Ray's GCS, with durable storage           n1 .. n3 a Ray node of 2 CPUs and 2 GB, and an agent
"""

import contextlib
import secrets
import socket
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
import psycopg

from elasticjob_cloud.store import rows
from tests.chaos.hosts.hosts import Host, Network
from tests.chaos.jobs import JOBS, TRIGGERED, app_body, pack_app
from tests.chaos.judging.history import RegisteredJob
from tests.postgres.server import PostgresServer
from tests.waiting import wait_for

T = TypeVar("T")
API_PORT = 8899
SCHEDULERS = ("s1", "s2")
NODES = ("n1", "n2", "n3")
_GCS_PORT = 6379
_DATABASE = "cloud"
_START_SECONDS = 90.0
_RESTART_SECONDS = 3.0
_STARTS = "=== starts"
# What the log says when a scheduler has lost, or let go of, its way to the agents.
_APART = (_STARTS, "Standing by.", "The lead is given up.", "The gateway to Ray")
_JOINED = "Joined the Ray cluster."
_SCHEDULER_WORDS = ("elasticjob_cloud.entry", "scheduler", "--engine")
_PASSWORD = secrets.token_urlsafe(12)
_RAY_SETTINGS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1500",
    "RAY_health_check_failure_threshold": "3",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "60",
    "RAY_grpc_client_keepalive_time_ms": "3000",
    "RAY_grpc_client_keepalive_timeout_ms": "3000",
    "RAY_USAGE_STATS_ENABLED": "0",
    # All hosts are one machine: its memory says nothing of theirs.
    "RAY_memory_monitor_refresh_ms": "0",
}
# RocksDB comes with Ray; with Redis the head could also move to another host.
_HEAD_SETTINGS = {"RAY_gcs_storage": "rocksdb", "RAY_gcs_storage_path": "/mnt/gcs"}


@dataclass(frozen=True, slots=True)
class Lead:
    """Who leads, as the database has it."""

    host: str
    epoch: int


class Cluster:
    """All of it."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.output = network.directory / "output"
        self.database: PostgresServer
        self.clients: dict[str, httpx.Client] = {}
        self._archive = network.directory / "app.tar.gz"
        self._token = network.directory / "ray-token"

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything, publish the app, register the jobs."""
        self.output.mkdir()
        pack_app(self._archive)
        self._token.touch(0o600)
        self._token.write_text(secrets.token_hex(32))
        for number, name in enumerate(("db", "head", *SCHEDULERS, *NODES), start=10):
            self.network.add_host(name, number)
        with ThreadPoolExecutor(4) as starters:
            database = starters.submit(self._start_database)
            self.start_head()
            list(starters.map(self.start_ray, (*SCHEDULERS, *NODES)))
            database.result()
        for name in SCHEDULERS:
            self.start_scheduler(name)
        wait_for(lambda: all(self.is_serving(name) for name in SCHEDULERS), "both APIs", _START_SECONDS)
        wait_for(self.is_whole, "the agents, and a standby", _START_SECONDS)
        self._register()

    def stop(self) -> None:
        """End the database; the hosts end with their network."""
        for client in self.clients.values():
            client.close()
        with contextlib.suppress(AttributeError):
            self.database.close()

    def host(self, name: str) -> Host:
        return self.network.hosts[name]

    # What runs on the hosts. As in production, a supervisor starts anew what has ended.

    def start_head(self) -> None:
        """Start Ray's head."""
        self._start_ray(
            "head", ("--head", f"--port={_GCS_PORT}", "--include-dashboard=false", "--num-cpus=0")
        )
        wait_for(self._gcs_listens, "Ray's head", _START_SECONDS)

    def start_ray(self, name: str) -> None:
        """Start the Ray node of a host, and wait until its raylet is there."""
        room = ("--num-cpus=2", f"--memory={2 << 30}") if name in NODES else ("--num-cpus=0",)
        self._start_ray(name, (f"--address={self.host('head').address}:{_GCS_PORT}", *room))
        wait_for(lambda: self.host(name).find("raylet/raylet"), f"the raylet of {name}", _START_SECONDS)

    def start_scheduler(self, name: str) -> None:
        """Start a host's scheduler; it need not answer yet."""
        host = self.host(name)
        command = [
            *(sys.executable, "-m", "elasticjob_cloud.entry", "scheduler", "--engine", "ray"),
            *("--ray-address", f"{self.host('head').address}:{_GCS_PORT}"),
            *("--host", host.address, "--port", str(API_PORT)),
            *("--data-dir", "/mnt/scheduler", "--time-zone", "UTC"),
        ]
        settings = {
            "ELASTICJOB_DATABASE_URL": self.database_url(),  # has a password, and `ps` shows options
            "ELASTICJOB_ADMIN_PASSWORD": _PASSWORD,
            "ELASTICJOB_GUEST_PASSWORD": _PASSWORD[::-1],
            "ELASTICJOB_ALLOWED_URL_PREFIXES": "file://",
            "ELASTICJOB_AGENT_DIR": "/mnt/agents",
        }
        self._supervise(host, command, settings, log="scheduler", pause_seconds=_RESTART_SECONDS)

    def scheduler(self, name: str) -> psutil.Process:
        """Give the scheduler's process on a host."""
        return wait_for(lambda: self.host(name).find(*_SCHEDULER_WORDS), f"a scheduler on {name}")[0]

    def boot(self, name: str) -> None:
        """Start a host that crashed, and what runs there."""
        self.host(name).boot()
        self.start_ray(name)
        if name in SCHEDULERS:
            self.start_scheduler(name)

    def revive_database(self) -> None:
        """Start the database if it has ended itself."""
        try:
            wait_for(self._database_answers, "the database", 5)
        except AssertionError:
            self.database.kill()
            self.database.start()

    # What is asked of it

    def lead(self) -> Lead | None:
        """Tell who leads; None when the database does not say, or nobody does."""
        with contextlib.suppress(psycopg.Error):
            rows = self.query(
                "SELECT scheduler.address, lease.epoch FROM lease JOIN scheduler USING (scheduler_id)"
                " WHERE lease.expires_ms > extract(epoch FROM clock_timestamp()) * 1000"
            )
            for address, epoch in rows:
                for name in SCHEDULERS:
                    if f"//{self.host(name).address}:" in str(address):
                        return Lead(name, int(str(epoch)))
        return None

    def leader(self) -> str:
        """Give the name of the leader's host, once there is one."""
        return wait_for(self.lead, "a leader", _START_SECONDS).host

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database, over the network; two seconds at most."""
        url = f"{self.database.url(_DATABASE)}?connect_timeout=2&options=-cstatement_timeout%3D2000"
        with psycopg.connect(url, autocommit=True) as connection:
            return connection.execute(statement.encode()).fetchall()

    def database_url(self) -> str:
        return self.database.url(_DATABASE)

    def call(
        self, name: str, method: str, path: str, body: Any = None, seconds: float = 10
    ) -> httpx.Response:
        """Call the API of a host's scheduler, as the administrator."""
        client = self._client(name)
        return client.request(method, f"/api{path}", json=body, timeout=seconds)

    def is_serving(self, name: str) -> bool:
        """Tell whether a scheduler answers what only the leader can, itself or through it."""
        try:
            return self.call(name, "GET", "/job/jobs", seconds=2).status_code == 200
        except (httpx.HTTPError, KeyError):
            return False

    def agents(self) -> list[dict[str, Any]]:
        """Give the agents that the leader sees."""
        with contextlib.suppress(httpx.HTTPError):
            answer = self.call(self.leader(), "GET", "/operate/agents")
            if answer.status_code == 200:
                agents: list[dict[str, Any]] = answer.json()
                return agents
        return []

    def is_whole(self) -> bool:
        """Tell whether all agents are there, and the standby is ready to reach them."""
        lead = self.lead()
        if lead is None or len(self.agents()) != len(NODES):
            return False
        return all(
            self.is_serving(name) and (name == lead.host or self._has_joined(name)) for name in SCHEDULERS
        )

    def _has_joined(self, name: str) -> bool:
        log = (self.host(name).logs / f"{name}-scheduler.log").read_text(errors="replace")
        return log.rfind(_JOINED) > max(log.rfind(words) for words in _APART)

    def registered(self) -> dict[str, RegisteredJob]:
        """Give the jobs with the time since when they are in force."""
        records = [
            rows.job_record(row)
            for row in self.query("SELECT job_name, configuration, disabled, since_ms FROM job")
        ]
        return {
            record.configuration.job_name: RegisteredJob(record.configuration, record.since_ms)
            for record in records
        }

    def _client(self, name: str) -> httpx.Client:
        client = self.clients.get(name)
        if client is None:
            client = httpx.Client(base_url=f"http://{self.host(name).address}:{API_PORT}", trust_env=False)
            answer = client.post("/api/login", json={"username": "root", "password": _PASSWORD}, timeout=5)
            answer.raise_for_status()
            client.headers["accessToken"] = answer.json()["accessToken"]
            self.clients[name] = client
        return client

    def _register(self) -> None:
        leader = self.leader()
        self._must(leader, "POST", "/app", app_body(self._archive))
        for job in (*JOBS, TRIGGERED):
            self._must(leader, "POST", "/job/register", job.body(self.output))

    def _must(self, name: str, method: str, path: str, body: Any) -> None:
        answer = self.call(name, method, path, body, seconds=20)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"

    def _start_database(self) -> None:
        host = self.host("db")
        self.database = PostgresServer(
            host.disk / "data", host=host.address, port=5432, durable=True, prefix=host.prefix()
        )
        self.database.start()
        self.database.create_database(_DATABASE)

    def _start_ray(self, name: str, arguments: tuple[str, ...]) -> None:
        host = self.host(name)
        command = [
            *("ray", "start", "--block", f"--node-ip-address={host.address}", "--disable-usage-stats"),
            *("--object-store-memory=80000000", *arguments),
        ]
        settings = _HEAD_SETTINGS if name == "head" else {}
        self._supervise(host, command, settings, log="ray", pause_seconds=1, clean_up="ray stop --force")

    def _supervise(
        self,
        host: Host,
        command: Sequence[str],
        settings: Mapping[str, str],
        *,
        log: str,
        pause_seconds: float,
        clean_up: str = "true",
    ) -> None:
        loop = f'while :; do echo "{_STARTS}"; "$@"; {clean_up}; sleep {pause_seconds}; done'
        host.start(["sh", "-c", loop, "sh", *command], environment=self._environment(settings), log=log)

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "PYTHONUNBUFFERED": "1",
            "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self._token),
            **_RAY_SETTINGS,
            **settings,
        }

    def _gcs_listens(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection((self.host("head").address, _GCS_PORT), 1),
        ):
            return True
        return False

    def _database_answers(self) -> bool:
        with contextlib.suppress(psycopg.Error):
            return bool(self.query("SELECT 1"))
        return False
