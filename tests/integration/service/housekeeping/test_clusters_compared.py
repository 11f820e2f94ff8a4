"""Schedulers of one database that have joined different Ray clusters are told of each other."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from elasticjob_cloud.service.housekeeping.cluster_watch import ClusterWatch
from elasticjob_cloud.store import SqlStore
from tests.contract.store.factories import EMPTY_DATABASES
from tests.integration.store.opened_stores import opened

pytestmark = pytest.mark.slow


@pytest.fixture(params=sorted(EMPTY_DATABASES))
def store(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    with EMPTY_DATABASES[request.param]() as url, opened(url) as store:
        yield store


def test_store_keeps_each_schedulers_cluster_and_names_those_on_another(store: SqlStore) -> None:
    assert store.acquire_lease("a", "at a", 60) is not None
    assert store.acquire_lease("b", "at b", 60) is None
    assert store.acquire_lease("c", "at c", 60) is None
    assert store.note_cluster("a", "one") == [], "the others have joined none yet"
    assert store.note_cluster("b", "one") == []
    assert store.note_cluster("c", "two") == ["a", "b"]
    assert store.acquire_lease("c", "moved", 60) is None
    assert store.note_cluster("a", "one") == ["c"], "what makes a scheduler known leaves its cluster alone"
    assert store.note_cluster("c", "one") == []


@pytest.mark.anyio
async def test_watch_warns_once_of_each_stranger() -> None:
    cluster, strangers = "", ["b"]

    async def note(_: str) -> list[str]:
        return strangers

    watch = ClusterWatch(lambda: cluster, note)
    with capture_logs() as logs:
        await watch.look()
        assert not logs, "it has joined none yet"
        cluster = "one"
        await watch.look()
        await watch.look()
        assert len(logs) == 1
        strangers = ["b", "c"]
        await watch.look()
        strangers = []
        await watch.look()
    assert [each["schedulers"] for each in logs] == [["b"], ["b", "c"]]
    assert "another Ray cluster" in logs[1]["event"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
