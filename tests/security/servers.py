"""Servers to attack, in this process."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import Authenticator, AuthSettings, create_app
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.acceptance.conftest import MemoryServer

KEY = b"a key of thirty-two bytes or more"


@contextmanager
def served_with(settings: AuthSettings | None) -> Iterator[MemoryServer]:
    """Serve with these users; None: without log-in."""
    scheduler = MemoryScheduler()
    authenticator = None if settings is None else Authenticator(settings, KEY)
    with serve(create_app(scheduler, authenticator, registry=CollectorRegistry())) as url:
        yield MemoryServer(url, scheduler)
