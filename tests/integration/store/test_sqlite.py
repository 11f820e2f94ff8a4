"""What is particular to an SQLite file: where it lies, what it holds, when its disk is full."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from elasticjob_cloud.model.errors import BugError, StartError, StoreUnavailableError
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.databases.sqlite import connection as sqlite_connection
from elasticjob_cloud.store.migration import REVISIONS_DIRECTORY, SCHEMA_REVISION
from elasticjob_cloud.store.tables import metadata
from tests.contract.store import samples
from tests.integration.store.opened_stores import lead, opened, refusal

NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a path with spaces, ä?#%.db"


def url_of(file: Path) -> str:
    return f"sqlite:///{file}".replace("%", "%25").replace("?", "%3F")


@contextmanager
def without_privileges() -> Iterator[Path]:
    """Give a directory, and let the rights of files count even where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        uid = os.geteuid()
        if uid == 0:
            os.chown(directory, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield directory
        finally:
            os.seteuid(uid)
            directory.chmod(0o700)


def test_the_tables_that_are_keyed_by_text_have_no_row_ids(file: Path) -> None:
    with opened(url_of(file)) as store, store._database.reader.connect() as connection:
        without_rowid = connection.exec_driver_sql(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'"
        ).scalars()
        expected = {
            table.name
            for table in metadata.sorted_tables
            if not table.dialect_options["sqlite"]["with_rowid"]
        }
        assert set(without_rowid) == expected


def test_the_code_knows_the_newest_revision() -> None:
    assert ScriptDirectory(str(REVISIONS_DIRECTORY)).get_heads() == [SCHEMA_REVISION]


def test_an_up_to_date_schema_is_recognised_without_alembic(file: Path) -> None:
    with opened(url_of(file)):
        pass
    program = (
        "import sys; from elasticjob_cloud.store import SqlStore; store = SqlStore(sys.argv[1]); store.migrate(); "
        "store.close(); sys.exit('alembic' in sys.modules)"
    )
    assert (
        subprocess.run([sys.executable, "-c", program, url_of(file)], check=False, timeout=30).returncode == 0
    )


def test_a_newer_schema_is_refused_and_left_alone(file: Path) -> None:
    with opened(url_of(file)):
        pass
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "'9999'" in refusal(url_of(file))
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)


def test_a_file_that_is_no_database_is_refused_and_left_alone(file: Path) -> None:
    file.write_bytes(b"my diary\n" * 1000)
    assert "is not an SQLite database" in refusal(url_of(file))
    assert file.read_bytes() == b"my diary\n" * 1000


def test_a_new_database_is_readable_by_its_owner_alone_and_an_old_one_keeps_its_rights(file: Path) -> None:
    with opened(url_of(file)):
        beside = [file.with_name(file.name + suffix) for suffix in ("", "-wal", "-shm")]
        assert [path.stat().st_mode & 0o777 for path in beside] == [0o600] * 3
    file.chmod(0o640)
    with opened(url_of(file)):
        assert file.stat().st_mode & 0o777 == 0o640


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert f"{tmp_path / 'absent'} of the database does not exist" in refusal(
        url_of(tmp_path / "absent" / "cloud.db")
    )


def test_a_directory_that_is_not_writable_is_named() -> None:
    with without_privileges() as directory:
        directory.chmod(0o500)
        assert f"{directory} is not writable" in refusal(url_of(directory / "cloud.db"))


def test_a_file_that_is_read_only_is_named() -> None:
    with without_privileges() as directory:
        file = directory / "cloud.db"
        with opened(url_of(file)):
            pass
        file.chmod(0o400)
        assert f"{file} is not writable" in refusal(url_of(file))


def test_a_file_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(url_of(tmp_path))


def test_commits_are_synced_and_written_ahead(file: Path) -> None:
    with opened(url_of(file)) as store, store._database.writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_queries_cannot_write(file: Path) -> None:
    with (
        opened(url_of(file)) as store,
        store._database.reader.connect() as connection,
        pytest.raises(Exception, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM lease")


def test_closing_leaves_one_file_that_holds_everything(file: Path) -> None:
    with opened(url_of(file)) as store:
        assert store.commit(lead(store), Changes(apps={"app": samples.app()}))
    assert list(file.parent.iterdir()) == [file]
    with opened(url_of(file)) as store:
        assert store.load().apps == {"app": samples.app()}


def test_closing_writes_the_log_back_while_another_scheduler_has_the_file_open(file: Path) -> None:
    with opened(url_of(file)) as standby:
        standby.load()
        with opened(url_of(file)) as store:
            assert store.commit(lead(store), Changes(apps={"app": samples.app()}))
            assert Path(f"{file}-wal").stat().st_size > 0
        assert Path(f"{file}-wal").stat().st_size == 0
        assert set(standby.load().apps) == {"app"}


def test_a_full_disk_writes_nothing_says_so_and_is_over_when_there_is_room(file: Path) -> None:
    with opened(url_of(file)) as store:
        epoch = lead(store)
        assert store.commit(epoch, Changes(apps={"before": samples.app("before")}))
        set_page_limit(store, 1)  # SQLite takes it as "no more than there are now"
        large = [samples.execution(f"t{number}", failure_cause="x" * 3000) for number in range(100)]
        with pytest.raises(StoreUnavailableError, match="no room left") as raised:
            store.commit(epoch, Changes(apps={"after": samples.app("after")}, executions=large))
        assert not raised.value.outcome_unknown
        assert set(store.load().apps) == {"before"}
        assert store.executions(HistoryQuery()).total == 0

        set_page_limit(store, 2**30)
        assert store.commit(epoch, Changes(apps={"after": samples.app("after")}, executions=large))
        assert set(store.load().apps) == {"before", "after"}
        assert store.executions(HistoryQuery()).total == 100


def set_page_limit(store: SqlStore, pages: int) -> None:
    with store._database.writer.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}").fetchall()


def test_a_lock_held_by_another_program_is_reported_and_nothing_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_connection, "BUSY_SECONDS", 0.05)
    with opened(url_of(file)) as store:
        epoch = lead(store)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailableError, match="locked") as raised:
                store.commit(epoch, Changes(apps={"app": samples.app()}))
            assert not raised.value.outcome_unknown
            assert store.load().apps == {}, "readers go on"
        assert store.commit(epoch, Changes(apps={"app": samples.app()}))


def test_a_damaged_file_is_reported(file: Path) -> None:
    with opened(url_of(file)) as store:
        executions = [samples.execution(f"t{number}", failure_cause="x" * 1000) for number in range(200)]
        assert store.commit(lead(store), Changes(executions=executions))
    with file.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (file.stat().st_size - 8192))
    with pytest.raises((StoreUnavailableError, StartError), match="damaged"), opened(url_of(file)) as store:
        store.executions(HistoryQuery(per_page=1000))


def test_a_store_that_was_never_migrated_is_our_bug(file: Path) -> None:
    file.touch()
    store = SqlStore(f"sqlite:///{file.parent}/other.db")
    sqlite3.connect(file.parent / "other.db").close()
    with pytest.raises(BugError, match="no such table"):
        store.acquire_lease("test", "", 1)
    store.close()
