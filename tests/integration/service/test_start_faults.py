"""What a scheduler says that cannot start for a fault of its disk."""

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.server.files import token_secret
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.sqlite.lock import DatabaseLock
from tests.integration.service.instant_engine import InstantEngine


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """Files can be made and not written, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_directory_of_the_database_that_cannot_be_made_is_said_to_be_the_reason(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    url = f"sqlite:///{tmp_path}/file/directory/elasticjob.db"
    settings = LeadershipSettings("http://127.0.0.1:1")
    scheduler = Scheduler(SqlStore(url), InstantEngine(), CoreSettings(), settings, database_url=url)

    with pytest.raises(StartError, match=f"{tmp_path}/file/directory.*Not a directory"):
        await scheduler.start()

    await scheduler.stop()


def test_key_that_cannot_be_written_leaves_no_damaged_file(full_disk: Path) -> None:
    with pytest.raises(StartError, match=f"{full_disk}/token-secret"):
        token_secret(full_disk)

    assert list(full_disk.iterdir()) == []


def test_database_is_locked_though_its_disk_is_full(full_disk: Path) -> None:
    lock = DatabaseLock(full_disk / "elasticjob.db")

    with pytest.raises(StartError, match="Another scheduler"):
        DatabaseLock(full_disk / "elasticjob.db")
    lock.release()
