"""A whole cluster on this machine: PostgreSQL, Ray with nodes of their own, and schedulers. Everything is on loopback.

    with Cluster() as cluster:                     # two schedulers on free ports, three nodes of 2 CPUs and 1 GB
        leader = cluster.leader()                  # a Scheduler: url, pid, kill(), start()
        cluster.node_of(agent_id)                  # 1, 2 or 3
        cluster.nodes[0].raylet_pid

It is what `make cluster` shows, and what end-to-end tests run on. Nothing of it survives: its data lies in a temporary
directory. Whatever it started is gone when `stop` returns, also after a start that failed half-way.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import psutil

from elasticjob_cloud.agent.scheduler_link.directory import AgentProcess
from tests.clusters.ray_nodes import MISSING, RayCluster, RayNode, has_ray
from tests.http_client import http_client
from tests.postgres.programs import PostgresMissingError
from tests.postgres.server import PostgresServer
from tests.processes import free_port

HOST = "127.0.0.1"
NODE_CPUS = 2
NODE_MEMORY_MB = 1024
_DATABASE = "cloud"
_START_SECONDS = 60.0
_STOP_SECONDS = 8.0
_LOOK_SECONDS = 1.0  # a frozen scheduler answers nothing, and the others are to be asked
_PR_SET_PDEATHSIG = 1


class ClusterError(Exception):
    """The cluster cannot be started; the message says why, and what to do."""


class Scheduler:
    """One scheduler: a process that may be killed and started again, on the same port."""

    def __init__(self, number: int, port: int, directory: Path, environment: Mapping[str, str]) -> None:
        self.number = number
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.log = directory / f"scheduler-{number}.log"
        self._data_dir = directory / f"scheduler-{number}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process, or that of the last time it ran."""
        assert self._process is not None, "the scheduler was never started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and do not wait until it answers."""
        assert not self.is_running
        command = [sys.executable, "-m", "elasticjob_cloud.entry", "scheduler", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--data-dir", str(self._data_dir)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(self._environment),
                start_new_session=True,  # Ctrl-C is meant for whoever started the cluster, who ends it in its order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - a single system call, which takes no lock
            )

    def answers(self) -> bool:
        """Whether its API answers; raises `ClusterError` when its process has ended."""
        if not self.is_running:
            raise ClusterError(
                f"Scheduler {self.number} ended:\n{self.log.read_text(errors='replace')[-3000:]}"
            )
        with contextlib.suppress(httpx.TransportError), http_client(timeout=5) as client:
            return client.get(f"{self.url}/healthz").is_success
        return False

    def kill(self) -> None:
        """End it as a crash would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Ask it to end, and do not wait."""
        if self.is_running:
            assert self._process is not None
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended, and kill it when it has not by then."""
        if self._process is not None:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()


class Cluster:
    """All of it.

    Args:
        ports: One for each scheduler; 0 takes a free one.
        node_count: How many nodes run jobs.
        auth: Whether the schedulers ask for a log-in.
        settings: More settings of the schedulers, by their names.
        say: Called with a line for each thing that is up.
        go_on: Asked between the steps of the start; raises to give up.
    """

    def __init__(
        self,
        *,
        ports: Sequence[int] = (0, 0),
        node_count: int = 3,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
        say: Callable[[str], None] = lambda _: None,
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        self.schedulers: list[Scheduler] = []
        self.nodes: list[RayNode] = []
        self.database: PostgresServer | None = None
        self.directory = Path()
        self._ports = ports
        self._node_count = node_count
        self._auth = auth
        self._settings = settings or {}
        self._say = say
        self._go_on = go_on
        self._last_leader: Scheduler | None = None
        self._numbers: dict[str, int] = {}
        self._ray: RayCluster | None = None
        self._client = http_client(timeout=10)
        # Of the program that has the cluster: servers that other tests share, for example.
        self._children_before = set(psutil.Process().children())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until a scheduler leads and has all agents.

        Raises:
            ClusterError: a port is taken, a package is missing, or something does not start. Nothing is left then.
        """
        self._check()
        # Short, for Ray's sockets lie deep below it, and their paths have room for 107 bytes.
        self.directory = Path(tempfile.mkdtemp(prefix="ejc-", dir="/tmp"))
        try:
            for step in (self._start_database, self._start_ray, self._start_schedulers):
                self._go_on()
                step()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End all of it; its data goes too."""
        started = self._started() + self._agents()
        for scheduler in self.schedulers:
            scheduler.terminate()
        for scheduler in self.schedulers:
            scheduler.wait(_STOP_SECONDS)
        with ThreadPoolExecutor(1) as beside:
            if self.database is not None:
                beside.submit(self.database.close)
            # Before the agents, whose keepers would start them again.
            if self._ray is not None:
                self._ray.stop()
            _end(self._agents())
        self.database = self._ray = None
        _end(started)
        self._client.close()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API at the scheduler that led when last asked, else at one that runs; the answer must be 200."""
        for scheduler in sorted(self.schedulers, key=lambda each: each is not self._last_leader):
            if scheduler.is_running:
                with contextlib.suppress(httpx.ConnectError):
                    answer = self._client.request(method, f"{scheduler.url}/api{path}", json=body)
                    answer.raise_for_status()
                    return answer.json()
        raise ClusterError("No scheduler answers.")

    def log_in(self, username: str, password: str) -> None:
        """Have `call` send a token."""
        token = self.call("POST", "/login", {"username": username, "password": password})["accessToken"]
        self._client.headers["accessToken"] = token

    def leader(self) -> Scheduler | None:
        """Give the scheduler that leads, as its own metrics say; no log-in is needed for that."""
        for scheduler in self.schedulers:
            if scheduler.is_running and self._leads(scheduler):
                self._last_leader = scheduler
                return scheduler
        return None

    def node_of(self, agent_id: str) -> int:
        """Give the number of the node that an agent lives on, from 1; 0 when it is not known."""
        if agent_id not in self._numbers:
            directories = {
                directory: number
                for number, node in enumerate(self.nodes, 1)
                for directory in _directories_held_below(node.raylet_pid)
            }
            for directory, agent in self._agent_processes().items():
                if directory in directories:
                    self._numbers[agent.agent_id] = directories[directory]
        return self._numbers.get(agent_id, 0)

    def drain(self, node: RayNode, deadline_seconds: int) -> None:
        """Have Ray drain a node, as before its machine is taken away in so many seconds."""
        assert self._ray is not None
        self._ray.drain_node(node, deadline_seconds)

    def _check(self) -> None:
        if not has_ray():
            raise ClusterError(MISSING)
        for port in self._ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError as error:
                    raise ClusterError(
                        f"Port {port} cannot be had: {error.strerror}. Stop what listens there, or choose other ports."
                    ) from error

    def _start_database(self) -> None:
        try:
            self.database = PostgresServer()
            self.database.start()
        except (PostgresMissingError, AssertionError) as error:  # the latter says what the server's log says
            raise ClusterError(str(error)) from error
        self.database.create_database(_DATABASE)
        self._say(f"PostgreSQL listens on {HOST}:{self.database.port}")

    def _start_ray(self) -> None:
        directory = self.directory / "ray"
        directory.mkdir()
        try:
            self._ray = RayCluster(directory)
            self._say(f"Ray's head listens on {self._ray.address}")
            for number in range(1, self._node_count + 1):
                self._go_on()
                node = self._ray.add_node(NODE_CPUS, NODE_MEMORY_MB)
                self.nodes.append(node)
                self._say(
                    f"node {number} offers {NODE_CPUS} CPUs and {NODE_MEMORY_MB} MB (process {node.raylet_pid})"
                )
        except RuntimeError as error:
            raise ClusterError(f"Ray does not start: {error}") from error

    def _start_schedulers(self) -> None:
        environment = self._environment()
        for number, port in enumerate(self._ports, 1):
            scheduler = Scheduler(number, port or free_port(HOST), self.directory, environment)
            self.schedulers.append(scheduler)
            scheduler.start()
        for scheduler in self.schedulers:
            self._wait(f"scheduler {scheduler.number} answers", scheduler.answers)
            self._say(f"scheduler {scheduler.number} answers at {scheduler.url} (process {scheduler.pid})")
        self._wait("a scheduler leads and has all agents", self._has_all_agents)

    def _environment(self) -> dict[str, str]:
        assert self._ray is not None
        assert self.database is not None
        settings = {
            "engine": "ray",
            "ray_address": self._ray.address,
            "database_url": self.database.url(_DATABASE),
            "agent_dir": str(self.directory / "agents"),
            "allowed_url_prefixes": "http://,https://,ftp://,file://",
            "no_auth": "false" if self._auth else "true",
            # What a task may take to tidy up, when all of it is to end quickly.
            "kill_grace_seconds": "1",
            "orphan_seconds": "60",
            **self._settings,
        }
        ours = {f"ELASTICJOB_{name.upper()}": value for name, value in settings.items()}
        return {**os.environ, **self._ray.environment, **ours}

    def _has_all_agents(self) -> bool:
        leader = self.leader()
        if leader is None:
            for scheduler in self.schedulers:
                scheduler.answers()
            return False
        return f"elasticjob_agents {self._node_count:.1f}\n" in self._metrics(leader)

    def _leads(self, scheduler: Scheduler) -> bool:
        return "elasticjob_leader 1.0\n" in self._metrics(scheduler)

    def _metrics(self, scheduler: Scheduler) -> str:
        try:
            return self._client.get(f"{scheduler.url}/metrics", timeout=_LOOK_SECONDS).text
        except httpx.TransportError:
            return ""

    def _wait(self, what: str, is_so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not is_so():
            self._go_on()
            if time.monotonic() > deadline:
                logs = "\n".join(each.log.read_text(errors="replace")[-2000:] for each in self.schedulers)
                raise ClusterError(f"Not within {_START_SECONDS:g} s: {what}.\n{logs}")
            time.sleep(0.1)  # the poll of a condition in other processes

    def _agent_processes(self) -> dict[Path, AgentProcess]:
        """Give the agents by their directories."""
        agents = {}
        for file in (self.directory / "agents").glob("*/agent.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                agents[file.parent] = msgspec.json.decode(file.read_bytes(), type=AgentProcess)
        return agents

    def _started(self) -> list[psutil.Process]:
        """Give the processes that it has started, and what those have."""
        children = [it for it in psutil.Process().children() if it not in self._children_before]
        return [process for child in children for process in (child, *_processes_below(child.pid))]

    def _agents(self) -> list[psutil.Process]:
        """Give the agents' processes and what they started: they are nobody's children."""
        found = []
        for agent in self._agent_processes().values():
            if agent.runs():
                with contextlib.suppress(psutil.NoSuchProcess):
                    found += [psutil.Process(agent.pid), *_processes_below(agent.pid)]
        return found


def _directories_held_below(raylet_pid: int) -> list[Path]:
    """Give the agents' directories that a node's relay has locked."""
    files = []
    for process in _processes_below(raylet_pid):
        with contextlib.suppress(psutil.Error):
            files += [Path(file.path) for file in process.open_files()]
    return [file.parent for file in files if file.name == "keeper.lock"]


def _processes_below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _end(processes: Iterable[psutil.Process], seconds: float = _STOP_SECONDS) -> None:
    """Ask processes to end, and kill those that have not by then."""
    alive = [each for each in processes if each.is_running()]
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.terminate()
    _, alive = psutil.wait_procs(alive, seconds)
    for each in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(alive, _STOP_SECONDS)


def _die_with_parent() -> None:
    # Whoever started the cluster may be killed, and then ends nothing.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
