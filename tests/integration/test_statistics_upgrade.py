"""A database of the version before: its history is counted when it is upgraded."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from elasticjob_cloud.model.history import HistoryQuery
from elasticjob_cloud.model.statistics import StatisticInterval, StatisticsSample
from elasticjob_cloud.store import SqlStore, migration

HOUR_MS = 3_600_000
START_MS = 20_000 * 86_400_000


def fill_old_database(file: Path) -> None:
    """Make the tables of revision 0001, with four tasks of three hours in them."""
    with closing(sqlite3.connect(file)) as connection:
        for number, state in enumerate(("TASK_FINISHED", "TASK_FINISHED", "TASK_FAILED", "TASK_KILLED")):
            time_ms = START_MS + number * HOUR_MS // 2
            connection.execute(
                "INSERT INTO job_status_trace_log (job_name, original_task_id, task_id, slave_id, source, "
                "execution_type, sharding_item, state, message, creation_time) "
                "VALUES ('job', '', ?, 'agent', 'CLOUD_EXECUTOR', 'READY', 0, ?, '', ?)",
                (f"t{number}", state, time_ms),
            )
            connection.execute(
                "INSERT INTO job_execution_log (job_name, task_id, hostname, ip, sharding_item, execution_source, "
                "failure_cause, is_success, start_time, complete_time) "
                "VALUES ('job', ?, 'host', '::1', 0, 'NORMAL_TRIGGER', '', ?, ?, ?)",
                (f"t{number}", state == "TASK_FINISHED", time_ms, time_ms),
            )
        connection.execute("UPDATE counter SET value = 4 WHERE name <> 'next_fire_id'")
        connection.commit()


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlStore:
    file = tmp_path / "old.db"
    with monkeypatch.context() as before:
        before.setattr(migration, "SCHEMA_REVISION", "0001")
        old = SqlStore(f"sqlite:///{file}")
        old.migrate()
        old.close()
    fill_old_database(file)
    store = SqlStore(f"sqlite:///{file}")
    store.migrate()
    return store


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
    upgraded.close()


def test_statistics_begin_with_the_history_from_before(upgraded: SqlStore) -> None:
    epoch = upgraded.acquire_lease("test", "", 60)
    assert epoch is not None
    assert upgraded.write_statistics(epoch, START_MS + 3 * HOUR_MS, StatisticsSample(0, 0, 0))
    hours = upgraded.task_results(StatisticInterval.HOUR, 0)
    assert [(hour.success_count, hour.failed_count) for hour in hours] == [(2, 0), (0, 1), (0, 0)]
    upgraded.close()
