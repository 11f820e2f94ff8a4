"""Statistics and history over HTTP, from a real store below a real server."""

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from elasticjob_cloud.model.records import Changes, ExecutionTrace, StatusTrace
from elasticjob_cloud.store import SqlStore
from tests.acceptance.standalone import Standalone
from tests.waiting import wait_for

HOUR_MS = 3_600_000
STATISTICS = "/job/statistics"
ENDINGS = ("TASK_FINISHED", "TASK_FINISHED", "TASK_FAILED", "TASK_ERROR", "TASK_LOST", "TASK_KILLED")


def write_history(data_dir: Path, now_ms: int) -> None:
    """Leave a database as a scheduler does that ended some hours ago: tasks that ended three and 26 hours before."""
    store = SqlStore(f"sqlite:///{data_dir / 'elasticjob.db'}")
    store.migrate()
    epoch = store.acquire_lease("before", "", 60)
    assert epoch is not None
    changes = Changes()
    for time_ms in (now_ms - 26 * HOUR_MS, now_ms - 3 * HOUR_MS):
        for number, state in enumerate(ENDINGS):
            task_id = f"job-{number}@-@0@-@READY@-@agent-{number % 2}@-@{time_ms}"
            trace = (f"job-{number}", "", task_id, f"agent-{number % 2}")
            changes.status_traces += [
                StatusTrace(*trace, "CLOUD_SCHEDULER", "READY", 0, "TASK_STAGING", "", time_ms - 10),
                StatusTrace(*trace, "CLOUD_EXECUTOR", "READY", 0, state, "", time_ms),
            ]
            is_success = state == "TASK_FINISHED"
            execution = ("host", f"10.0.0.{number}", 0, "NORMAL_TRIGGER", "" if is_success else "broken")
            changes.executions.append(
                ExecutionTrace(f"job-{number}", task_id, *execution, is_success, time_ms - 5, time_ms)
            )
    assert store.commit(epoch, changes)
    store.release_lease(epoch)
    store.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    data_dir = tmp_path_factory.mktemp("statistics") / "data"
    data_dir.mkdir()
    write_history(data_dir, time.time_ns() // 1_000_000)
    with Standalone(data_dir) as server:
        app = {"appName": "app", "appURL": "file:///none.tar", "bootstrapScript": "true"}
        assert server.client.post("/app", json=app).status_code == 200
        for name, kind in (("one", "TRANSIENT"), ("two", "TRANSIENT"), ("always", "DAEMON")):
            job = {"jobName": name, "appName": "app", "jobExecutionType": kind, "shardingTotalCount": 1}
            job |= {"cpuCount": 0.1, "memoryMB": 1, "disabled": True, "cron": "0 0 0 * * ?"}
            answer = server.client.post("/job/register", json=job)
            assert answer.status_code == 200, answer.text
        wait_for(lambda: get(server, "/tasks/results/online")["successCount"], "statistics")
        yield server


def get(server: Standalone, path: str, **query: Any) -> Any:
    answer = server.client.get(f"{STATISTICS}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_results_of_the_last_day_come_by_the_hour(server: Standalone) -> None:
    hours = get(server, "/tasks/results", since="last24hours")
    assert hours == get(server, "/tasks/results")
    assert {hour["statisticInterval"] for hour in hours} == {"HOUR"}
    assert [(it["successCount"], it["failedCount"]) for it in hours if it["successCount"]] == [(2, 3)]
    times = [dt.datetime.fromisoformat(hour["statisticsTime"]) for hour in hours]
    assert times == sorted(times)
    assert len(times) <= 24
    assert all(time.tzinfo is not None and time.minute == time.second == 0 for time in times)


@pytest.mark.parametrize(
    "period, successes, failures, interval",
    [
        ("online", 4, 6, "DAY"),
        ("lastWeek", 4, 6, "DAY"),
        ("lastHour", 0, 0, "HOUR"),
        ("lastMinute", 0, 0, "MINUTE"),
    ],
)
def test_results_of_a_period_are_one_sum(
    server: Standalone, period: str, successes: int, failures: int, interval: str
) -> None:
    result = get(server, f"/tasks/results/{period}")
    assert list(result) == ["successCount", "failedCount", "statisticInterval", "statisticsTime"]
    assert (result["successCount"], result["failedCount"]) == (successes, failures)
    assert result["statisticInterval"] == interval
    begin, now = dt.datetime.fromisoformat(result["statisticsTime"]), dt.datetime.now(dt.UTC)
    # The history begins 26 hours ago, and the week with the day seven days ago.
    assert dt.timedelta() < now - begin < dt.timedelta(days=8, minutes=1)
    if period == "online":
        assert dt.timedelta(hours=26) < now - begin < dt.timedelta(days=3)


@pytest.mark.parametrize("path", ["/tasks/running", "/jobs/running"])
def test_what_ran_is_shown_by_the_minute(server: Standalone, path: str) -> None:
    samples = get(server, path, since="lastWeek")
    assert samples
    assert samples[-1]["runningCount"] == 0
    assert all(sample.keys() == {"runningCount", "statisticsTime"} for sample in samples)


def test_jobs_are_counted_by_kind_and_by_day(server: Standalone) -> None:
    assert get(server, "/jobs/executionType") == {"transientJobCount": 2, "daemonJobCount": 1}
    days = get(server, "/jobs/register")
    assert days
    assert all(day.keys() == {"registeredCount", "statisticsTime"} for day in days)


@pytest.mark.parametrize(
    "path", ["/tasks/results?since=lastYear", "/tasks/running?since=last24hours", "/jobs/running?since=%00"]
)
def test_since_another_time_there_is_nothing(server: Standalone, path: str) -> None:
    answer = server.client.get(STATISTICS + path)
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize("period", ["lastYear", "errorPath", "online2"])
def test_results_of_another_period_are_zeros(server: Standalone, period: str) -> None:
    result = get(server, f"/tasks/results/{period}")
    assert list(result) == ["successCount", "failedCount", "statisticInterval", "statisticsTime"]
    assert (result["successCount"], result["failedCount"], result["statisticInterval"]) == (0, 0, "DAY")
    age = dt.datetime.now(dt.UTC) - dt.datetime.fromisoformat(result["statisticsTime"])
    assert dt.timedelta(minutes=-1) < age < dt.timedelta(minutes=5)


def test_jobs_are_counted_by_the_types_of_2_x(server: Standalone) -> None:
    counts = get(server, "/jobs/type")
    assert list(counts) == ["scriptJobCount", "simpleJobCount", "dataflowJobCount"]
    assert sum(counts.values()) == 3


def test_unknown_parameters_and_paths_are_refused(server: Standalone) -> None:
    assert server.client.get(f"{STATISTICS}/jobs/register?since=lastWeek").status_code == 400
    assert server.client.get(f"{STATISTICS}/jobs/nothing").status_code == 404
    assert server.client.post(f"{STATISTICS}/jobs/register").status_code == 405


def test_statistics_are_in_the_openapi_document(server: Standalone) -> None:
    paths = server.client.get("/openapi.json").json()["paths"]
    found = {path.removeprefix("/api/job/statistics") for path in paths if "/statistics/" in path}
    assert found == {
        "/tasks/results",
        "/tasks/results/{period}",
        "/tasks/running",
        "/jobs/running",
        "/jobs/executionType",
        "/jobs/type",
        "/jobs/register",
    }


def events(server: Standalone, table: str, **query: Any) -> Any:
    answer = server.client.get(f"/job/events/{table}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    "table, query, total",
    [
        ("executions", {}, 12),
        ("executions", {"jobName": "job-2"}, 2),
        ("executions", {"ip": "10.0.0.3"}, 2),
        ("executions", {"isSuccess": "true"}, 4),
        ("executions", {"isSuccess": "false", "jobName": "job-2"}, 2),
        ("executions", {"isSuccess": "false", "jobName": "job-0"}, 0),
        ("statusTraces", {}, 24),
        ("statusTraces", {"jobName": "job-5"}, 4),
        ("statusTraces", {"slaveId": "agent-1"}, 12),
        ("statusTraces", {"source": "CLOUD_EXECUTOR"}, 12),
        ("statusTraces", {"executionType": "FAILOVER"}, 0),
        ("statusTraces", {"state": "TASK_STAGING"}, 12),
        ("statusTraces", {"state": "TASK_LOST"}, 2),
        ("statusTraces", {"state": "TASK_LOST", "slaveId": "agent-0"}, 2),
        ("statusTraces", {"state": "TASK_LOST", "jobName": "job-1"}, 0),
    ],
)
def test_events_are_filtered_by_every_column_that_the_api_names(
    server: Standalone, table: str, query: dict[str, str], total: int
) -> None:
    page = events(server, table, per_page=100, **query)
    assert page["total"] == len(page["rows"]) == total
    for name, value in query.items():
        assert {str(row[name]).lower() for row in page["rows"]} <= {value.lower()}


def test_events_are_found_by_task_and_by_time(server: Standalone) -> None:
    newest = events(server, "executions")["rows"][0]
    found = events(server, "executions", taskId=newest["taskId"])
    assert found["rows"] == [newest]
    traces = events(server, "statusTraces", taskId=newest["taskId"], sort="creationTime", order="ASC")
    assert [row["state"] for row in traces["rows"]] == ["TASK_STAGING", "TASK_KILLED"]
    since = dt.datetime.fromisoformat(newest["startTime"])
    assert events(server, "executions", startTime=since.isoformat())["total"] == 6
    assert events(server, "executions", endTime=(since - dt.timedelta(hours=1)).isoformat())["total"] == 6
    assert events(server, "executions", startTime=(since + dt.timedelta(hours=1)).isoformat())["total"] == 0


@pytest.mark.parametrize("sort", ["", "jobName", "ip", "isSuccess", "completeTime"])
def test_pages_show_every_event_once_in_every_order(server: Standalone, sort: str) -> None:
    ordered = {"sort": sort} if sort else {}
    pages = [events(server, "executions", per_page=5, page=page, **ordered) for page in (1, 2, 3, 4)]
    assert [len(page["rows"]) for page in pages] == [5, 5, 2, 0]
    rows = [row for page in pages for row in page["rows"]]
    assert len({row["id"] for row in rows}) == 12
    column = [row[sort or "startTime"] for row in rows]
    assert column == sorted(column, reverse=not sort)


@pytest.mark.slow
def test_a_guest_may_ask_and_a_stranger_may_not(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    with Standalone(data_dir, auth=True) as server:
        assert server.client.get(f"{STATISTICS}/jobs/register").status_code == 401
        guest = {"username": "guest", "password": "guest"}
        token = server.client.post("/login", json=guest).json()["accessToken"]
        answer: httpx.Response = server.client.get(
            f"{STATISTICS}/jobs/executionType", headers={"accessToken": token}
        )
        assert answer.json() == {"transientJobCount": 0, "daemonJobCount": 0}
