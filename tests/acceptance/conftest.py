"""The server under test. Tests that take only `server` and what is built on it run against any scheduler."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

import httpx
import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import ApiSettings, Authenticator, AuthSettings, create_app
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.http_client import http_client

SECRET = b"a key of thirty-two bytes or more"
_START_SECONDS = 1_795_000_000.0
_LONG_SECONDS = 3_600.0  # after which nobody remembers a failed log-in


@dataclass
class Clock:
    """Both clocks of a server, moved by hand."""

    wall_seconds: float = _START_SECONDS
    monotonic_seconds: float = 1_000.0

    def wall_ms(self) -> int:
        return int(self.wall_seconds * 1000)

    def move(self, seconds: float) -> None:
        self.wall_seconds += seconds
        self.monotonic_seconds += seconds

    def begin_anew(self) -> None:
        """Be where it was, for whoever begins now; a monotonic clock never goes back."""
        self.wall_seconds = _START_SECONDS
        self.monotonic_seconds += _LONG_SECONDS


@dataclass
class MemoryServer:
    """A server whose scheduler a test can look into."""

    url: str
    scheduler: MemoryScheduler
    clock: Clock = field(default_factory=Clock)

    def begin_anew(self) -> Self:
        """Be as new to the next test: an app takes longer to make than most tests take."""
        self.scheduler.forget()
        self.clock.begin_anew()
        return self


@pytest.fixture(scope="session")
def shared_memory_server() -> Iterator[MemoryServer]:
    scheduler, clock = MemoryScheduler(), Clock()
    authenticator = Authenticator(
        AuthSettings(),
        SECRET,
        wall_seconds=lambda: clock.wall_seconds,
        monotonic_seconds=lambda: clock.monotonic_seconds,
    )
    app = create_app(
        scheduler,
        authenticator,
        ApiSettings(),
        registry=CollectorRegistry(),
        wall_ms=clock.wall_ms,
        monotonic_seconds=lambda: clock.monotonic_seconds,
    )
    with serve(app) as url:
        yield MemoryServer(url, scheduler, clock)


@pytest.fixture(scope="session")
def shared_open_server() -> Iterator[MemoryServer]:
    scheduler = MemoryScheduler()
    with serve(create_app(scheduler, None, registry=CollectorRegistry())) as url:
        yield MemoryServer(url, scheduler)


@pytest.fixture
def memory_server(shared_memory_server: MemoryServer) -> MemoryServer:
    """A server with the default users and a scheduler in memory, as new."""
    return shared_memory_server.begin_anew()


@pytest.fixture
def open_server(shared_open_server: MemoryServer) -> MemoryServer:
    """A server that asks for no token, as new."""
    return shared_open_server.begin_anew()


@pytest.fixture
def server(memory_server: MemoryServer) -> str:
    """The base URL of the server under test, with the users of the manual: the one fixture to swap."""
    return memory_server.url


@pytest.fixture
def admin(server: str) -> Iterator[httpx.Client]:
    """A client who is logged in as root."""
    with http_client(base_url=server) as client:
        client.headers["accessToken"] = login(client, "root", "pwd")
        yield client


@pytest.fixture
def guest(server: str) -> Iterator[httpx.Client]:
    """A client who is logged in as guest."""
    with http_client(base_url=server) as client:
        client.headers["accessToken"] = login(client, "guest", "guest")
        yield client


def login(client: httpx.Client, username: str, password: str) -> str:
    answer = client.post("/api/login", json={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    token = answer.json()["accessToken"]
    assert isinstance(token, str)
    return token
