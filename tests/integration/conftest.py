"""What several of these tests start from."""

from collections.abc import Iterator

import pytest

from tests.integration.api.forwarding_leaders import FakeLeader
from tests.integration.apps.app_servers import HttpAppServer, http_app_server


@pytest.fixture
def anyio_backend() -> str:
    """Agents and schedulers run on asyncio alone."""
    return "asyncio"


@pytest.fixture
def app_server() -> Iterator[HttpAppServer]:
    """Serve apps over HTTP, as the test has it answer."""
    with http_app_server() as running:
        yield running


@pytest.fixture
def leader() -> Iterator[FakeLeader]:
    """Serve as the scheduler that leads."""
    fake = FakeLeader()
    yield fake
    fake.close()
