"""A database of any version before is brought to this one, and keeps what it holds."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, inspect, text

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.queries.statistics import StatisticInterval, StatisticsSample
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore, migration
from elasticjob_cloud.store.tables import metadata
from tests.contract.store import samples
from tests.contract.store.factories import EMPTY_DATABASES

HOUR_MS = 3_600_000
START_MS = 20_000 * 86_400_000
REVISIONS = [
    script.revision for script in ScriptDirectory(str(migration.REVISIONS_DIRECTORY)).walk_revisions()
]


@pytest.fixture(params=sorted(EMPTY_DATABASES))
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with EMPTY_DATABASES[request.param]() as url:
        yield url


def store_of(revision: str, url: str, monkeypatch: pytest.MonkeyPatch) -> SqlStore:
    """Make the tables as they were then."""
    with monkeypatch.context() as before:
        before.setattr(migration, "SCHEMA_REVISION", revision)
        store = SqlStore(url)
        store.migrate()
        return store


def row_of(table: Table) -> dict[str, Any]:
    """Give some row of a table that we know by the database's word alone."""
    return {
        column.name: column.name if column.type.python_type is str else 1
        for column in table.c
        if column.name != "id"
    }


def everything(connection: Connection, tables: list[Table]) -> dict[str, list[tuple[Any, ...]]]:
    return {table.name: [tuple(row) for row in connection.execute(table.select())] for table in tables}


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.parametrize("revision", REVISIONS)
def test_rows_of_every_table_of_every_version_are_kept(
    revision: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store_of(revision, url, monkeypatch)
    with old._database.writer.begin() as connection:
        reflected = MetaData()
        reflected.reflect(connection)
        tables = [table for table in reflected.sorted_tables if table.name != "alembic_version"]
        for table in tables:
            if table.name != "lease":
                connection.execute(table.insert(), row_of(table))
        before = everything(connection, tables)
    assert all(before.values())
    old.close()

    store = SqlStore(url)
    store.migrate()
    with store._database.reader.connect() as connection:
        assert migration.current_revision(connection) == migration.SCHEMA_REVISION
        after = everything(connection, tables)
        assert set(inspect(connection).get_table_names()) >= set(after)
    assert after == before
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    assert store.commit(
        epoch, Changes(apps={"new": samples.app("new")}, status_traces=[samples.status_trace("t")])
    )
    assert store.status_traces(HistoryQuery(filters={"taskId": "t"})).total == 1
    store.close()


def fill_history(store: SqlStore) -> None:
    """Write four tasks of three hours into tables that nobody counted yet."""
    with store._database.writer.begin() as connection:
        for number, state in enumerate(("TASK_FINISHED", "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")):
            values = {
                "task": f"t{number}",
                "state": state,
                "success": int(state == "TASK_FINISHED"),
                "time": START_MS + number * HOUR_MS // 2,
            }
            connection.execute(
                text(
                    "INSERT INTO job_status_trace_log (job_name, original_task_id, task_id, slave_id, source, "
                    "execution_type, sharding_item, state, message, creation_time) "
                    "VALUES ('job', '', :task, 'agent', 'CLOUD_EXECUTOR', 'READY', 0, :state, '', :time)"
                ),
                values,
            )
            connection.execute(
                text(
                    "INSERT INTO job_execution_log (job_name, task_id, hostname, ip, sharding_item, "
                    "execution_source, failure_cause, is_success, start_time, complete_time) "
                    "VALUES ('job', :task, 'host', '::1', 0, 'NORMAL_TRIGGER', '', :success, :time, :time)"
                ),
                values,
            )
        connection.execute(text("UPDATE counter SET value = 4 WHERE name <> 'next_fire_id'"))


@pytest.fixture
def upgraded(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlStore]:
    old = store_of("0001", url, monkeypatch)
    fill_history(old)
    old.close()
    store = SqlStore(url)
    store.migrate()
    yield store
    store.close()


def test_pages_and_totals_know_the_history_from_before(upgraded: SqlStore) -> None:
    for filters, total in (({}, 4), ({"state": "TASK_FINISHED"}, 2), ({"state": "TASK_KILLED"}, 1)):
        page = upgraded.status_traces(HistoryQuery(filters=filters))
        assert page.total == len(page.rows) == total
    for filters, total in (({"isSuccess": "true"}, 2), ({"isSuccess": "false"}, 2), ({"jobName": "job"}, 4)):
        page = upgraded.executions(HistoryQuery(filters=filters))
        assert page.total == len(page.rows) == total
    assert upgraded.executions(HistoryQuery(start_ms=START_MS, end_ms=START_MS + HOUR_MS)).total == 3
    assert upgraded.prune_history(START_MS + HOUR_MS, 100) == 4
    assert upgraded.executions(HistoryQuery(filters={"isSuccess": "true"})).total == 0


def test_statistics_begin_with_the_history_from_before(upgraded: SqlStore) -> None:
    epoch = upgraded.acquire_lease("test", "", 60)
    assert epoch is not None
    assert upgraded.write_statistics(epoch, START_MS + 3 * HOUR_MS, StatisticsSample(0, 0, 0))
    hours = upgraded.task_results(StatisticInterval.HOUR, 0)
    assert [(hour.success_count, hour.failed_count) for hour in hours] == [(2, 0), (0, 1), (0, 0)]


# Neither SQLAlchemy nor Alembic can tell what an index on an expression is: its definition tells.
_INDEXES = {
    "sqlite": "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql <> ''",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()",
}


def indexes(connection: Connection) -> dict[str, str]:
    rows = connection.exec_driver_sql(_INDEXES[connection.dialect.name])
    return {row[0]: row[1] for row in rows if not row[0].startswith("alembic")}


def is_compared(_item: object, _name: str | None, kind: str, *_: object) -> bool:
    return kind != "index"


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_all_revisions_in_a_row_make_the_tables_of_the_code(url: str) -> None:
    store = SqlStore(url)
    store.migrate()
    with store._database.writer.begin() as connection:
        options = {"compare_type": True, "include_object": is_compared}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == migration.SCHEMA_REVISION
        migrated = indexes(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        assert indexes(connection) == migrated
    store.close()


def test_schedulers_that_start_at_once_on_an_empty_database_all_get_through(url: str) -> None:
    problems: list[Exception] = []
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        try:
            store = SqlStore(url)
            store.migrate()
            store.load()
            store.close()
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert problems == []


def test_tables_of_another_program_are_left_alone(url: str) -> None:
    store = SqlStore(url)
    with store._database.writer.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE job (mine TEXT)")
    with pytest.raises(StartError, match="tables of another program: job"):
        store.migrate()
    with store._database.writer.connect() as connection:
        assert inspect(connection).get_table_names() == ["job"]
        assert [column["name"] for column in inspect(connection).get_columns("job")] == ["mine"]
    store.close()
