"""An SQLite file on a disk that is really full: old history makes room for what is new."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples
from tests.integration.small_disk import fill, small_disk
from tests.integration.store.opened_stores import lead, opened

DISK_BYTES = 12 * 1024 * 1024
ROWS = 200


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, DISK_BYTES) as directory:
        yield directory


def turn(number: int, rows: int = ROWS) -> Changes:
    """What a turn writes: rows of history, a job that runs."""
    traces = [
        samples.status_trace(f"t{number}-{row}", number * 1000 + row, message="x" * 100)
        for row in range(rows)
    ]
    return Changes(status_traces=traces, tasks={"live": samples.task("live")})


def fill_by_commits(store: SqlStore, epoch: int) -> int:
    """Commit turns until the disk is full; give how many were committed."""
    for number in range(10_000):
        try:
            assert store.commit(epoch, turn(number))
        except StoreUnavailableError:
            assert store.is_full()
            return number
    raise AssertionError("the disk was never full")


def get_going(store: SqlStore, epoch: int, number: int) -> None:
    """Do as housekeeping does until the next turns are committed."""
    for turn_number in range(number, number + 30):
        for _ in range(5):
            try:
                assert store.commit(epoch, turn(turn_number))
                break
            except StoreUnavailableError:
                assert store.is_full()
                assert store.prune_oldest(1000)
        else:
            raise AssertionError(f"turn {turn_number} is not written, though old rows were deleted")
    assert not store.is_full()
    assert list(store.load().tasks)
    page = store.status_traces(HistoryQuery(per_page=1))
    assert page.rows[0]["taskId"] == f"t{number + 29}-{ROWS - 1}", "the newest stay"


def test_a_disk_that_history_has_filled_takes_new_turns_for_old_ones(disk: Path) -> None:
    with opened(f"sqlite:///{disk}/cloud.db") as store:
        epoch = lead(store)
        committed = fill_by_commits(store, epoch)
        assert committed * ROWS > 5_000
        get_going(store, epoch, committed)
        get_going(store, epoch, committed + 30)


def test_a_disk_that_another_program_has_filled_takes_new_turns_for_old_ones(disk: Path) -> None:
    with opened(f"sqlite:///{disk}/cloud.db") as store:
        epoch = lead(store)
        for number in range(50):
            assert store.commit(epoch, turn(number))
        fill(disk)
        get_going(store, epoch, 50)


def test_a_disk_that_has_room_again_is_used_and_no_history_goes(disk: Path) -> None:
    with opened(f"sqlite:///{disk}/cloud.db") as store:
        epoch = lead(store)
        for number in range(50):
            assert store.commit(epoch, turn(number))
        another = fill(disk)
        assert not store.keep_room()
        get_going(store, epoch, 50)
        assert not store.keep_room()
        another.unlink()
        assert store.keep_room()
        assert not store.keep_room(), "it has room already"
        total = store.status_traces(HistoryQuery()).total
        for number in range(80, 140):
            assert store.commit(epoch, turn(number))
        assert store.status_traces(HistoryQuery()).total == total + 60 * ROWS


def test_a_start_on_a_full_disk_after_a_crash_gets_going(disk: Path) -> None:
    url = f"sqlite:///{disk}/cloud.db"
    crashed = SqlStore(url)
    crashed.migrate()
    epoch = lead(crashed)
    for number in range(50):
        assert crashed.commit(epoch, turn(number))
    fill(disk)
    # A process that is killed closes its files, and writes nothing back.
    with opened(url) as store:
        get_going(store, epoch, 50)
    crashed.close()


def test_the_room_that_is_lacking_is_told_before_the_disk_is_full(disk: Path) -> None:
    with opened(f"sqlite:///{disk}/cloud.db") as store:
        epoch = lead(store)
        for number in range(40):
            assert store.commit(epoch, turn(number))
        assert store.size().lacking_bytes == 0
        fill(disk)
        assert store.size().lacking_bytes > 0
        for _ in range(20):
            if store.size().lacking_bytes == 0:
                break
            assert store.prune_oldest(500)
        assert store.size().lacking_bytes == 0
        assert store.status_traces(HistoryQuery()).total > 0


def test_a_file_that_may_not_grow_takes_new_turns_for_old_ones(tmp_path: Path) -> None:
    with opened(f"sqlite:///{tmp_path}/cloud.db") as store:
        epoch = lead(store)
        with store._database.writer.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 500").fetchall()
        get_going(store, epoch, fill_by_commits(store, epoch))


def test_the_reserve_is_there_while_the_file_is_open_and_made_again(tmp_path: Path) -> None:
    reserve = tmp_path / "cloud.db-reserve"
    with opened(f"sqlite:///{tmp_path}/cloud.db") as store:
        assert reserve.stat().st_blocks * 512 >= reserve.stat().st_size > 0
        assert reserve.stat().st_mode & 0o777 == 0o600
        store._make_room()
        assert not reserve.exists()
        store.prune_history(0, 1)
        assert reserve.exists()
    assert not reserve.exists()
