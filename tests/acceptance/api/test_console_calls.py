"""What consoles ask for beside lists: one task, the timeline, failures by summary, and grids of shards."""

from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # it comes without types
import msgspec
import pytest

from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.failures import FailureGroup, FailureGroups, FailureQuery
from elasticjob_cloud.model.queries.tasks import TaskDetail, TaskTrace
from elasticjob_cloud.model.queries.timeline import (
    PastRuns,
    PlannedFire,
    PlannedFires,
    TimelineQuery,
    TimelineRun,
)
from elasticjob_cloud.model.task import TaskState
from tests.acceptance.api_scheduler import TASK_ID
from tests.acceptance.conftest import MemoryServer
from tests.acceptance.memory_runs import DUE_MS, run_of

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DUE = "2026-11-22T03:00:00.000+08:00"
DETAIL = run_of(7, configuration={"sharding_item_parameters": "0=--token abc"})
TASK = TaskDetail(
    task_id=TASK_ID,
    job_name="my_job",
    app_name="my_app",
    run_id=7,
    item=0,
    type="FAILOVER",
    attempt=2,
    agent_id="agent-1",
    hostname="host",
    ip="10.0.0.1",
    state=TaskState.FAILED,
    success=False,
    staged_ms=DUE_MS,
    start_ms=DUE_MS + 5,
    end_ms=DUE_MS + 1000,
    exit_code=3,
    signal=0,
    summary="exit code 3: password=hunter2",
    detail="all of it, password=hunter2",
    kill_reason="",
    original_task_id="my_job@-@0@-@READY@-@agent-1@-@a",
    original_summary="lost, password=hunter2",
    later_task_ids=("my_job@-@0@-@FAILOVER@-@agent-2@-@c",),
    is_daemon=False,
    is_idle=False,
    configuration=DETAIL.configuration,
    traces=[TaskTrace(DUE_MS, TaskState.FAILED, "CLOUD_EXECUTOR", "password=hunter2")],
    has_all_traces=True,
)
SHOWN_TASK: dict[str, Any] = {
    "taskId": TASK_ID,
    "jobName": "my_job",
    "appName": "my_app",
    "runId": 7,
    "item": 0,
    "parameter": "--token ***",
    "type": "FAILOVER",
    "daemon": False,
    "attempt": 2,
    "agentId": "agent-1",
    "hostname": "host",
    "ip": "10.0.0.1",
    "state": "TASK_FAILED",
    "idle": False,
    "stagedTime": DUE,
    "startTime": "2026-11-22T03:00:00.005+08:00",
    "endTime": "2026-11-22T03:00:01.000+08:00",
    "success": False,
    "exitCode": 3,
    "signal": None,
    "summary": "exit code 3: password=***",
    "detail": "all of it, password=***",
    "killReason": "",
    "originalTaskId": "my_job@-@0@-@READY@-@agent-1@-@a",
    "originalSummary": "lost, password=***",
    "laterTaskIds": ["my_job@-@0@-@FAILOVER@-@agent-2@-@c"],
    "traces": [{"time": DUE, "state": "TASK_FAILED", "source": "CLOUD_EXECUTOR", "message": "password=***"}],
    "tracesComplete": True,
}


def assert_described(client: httpx.Client, path: str, answer: Any) -> None:
    document = client.get("/api/openapi.json").json()
    content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    schema = {**content["schema"], "components": document["components"]}
    jsonschema.validate(answer, schema, cls=jsonschema.Draft202012Validator)


def blamed(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_a_task_is_shown_whole_and_guests_see_no_secrets(
    memory_server: MemoryServer, guest: httpx.Client, admin: httpx.Client
) -> None:
    memory_server.scheduler.runs.tasks[TASK_ID] = TASK
    shown = guest.get(f"/api/job/tasks/{TASK_ID}").json()
    assert shown == SHOWN_TASK
    assert_described(guest, "/api/job/tasks/{taskId}", shown)
    assert admin.get(f"/api/job/tasks/{TASK_ID}").json() == SHOWN_TASK | {"parameter": "--token abc"}


def test_what_is_not_known_of_a_task_is_null(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.runs.tasks[TASK_ID] = msgspec.structs.replace(
        TASK,
        app_name="",
        run_id=0,
        attempt=0,
        hostname="",
        ip="",
        success=None,
        staged_ms=0,
        end_ms=0,
        original_task_id="",
        is_daemon=None,
        configuration=None,
    )
    shown = guest.get(f"/api/job/tasks/{TASK_ID}").json()
    unknown = {name for name, value in shown.items() if value is None}
    assert unknown == {
        *("appName", "runId", "attempt", "hostname", "ip", "success", "stagedTime", "endTime"),
        *("originalTaskId", "daemon", "parameter", "signal"),
    }
    assert_described(guest, "/api/job/tasks/{taskId}", shown)


@pytest.mark.parametrize("task_id", [TASK_ID, "none"])
def test_a_task_that_is_not_there_is_not_found(guest: httpx.Client, task_id: str) -> None:
    answer = guest.get(f"/api/job/tasks/{task_id}")
    assert answer.status_code == 404
    assert "task" in answer.json()["message"]


def test_runs_have_their_shards_states_for_who_asks(memory_server: MemoryServer, guest: httpx.Client) -> None:
    runs = memory_server.scheduler.runs
    runs.put(run_of(7, shard_states="SF"), run_of(8))
    assert "shardStates" not in guest.get("/api/job/runs").json()["rows"][0]
    page = guest.get("/api/job/runs?include=shards&limit=100").json()
    assert [query.with_shards for query in runs.queries] == [False, True]
    assert [row["shardStates"] for row in page["rows"]] == ["SF", None]
    assert_described(guest, "/api/job/runs", page)


@pytest.mark.parametrize(
    "query, field",
    [
        ("runs?include=tasks", "include"),
        ("runs?include=shards&limit=101", "limit"),
        ("timeline?limit=10001", "limit"),
        ("timeline?limit=0", "limit"),
        ("timeline?startTime=2026-11-22&endTime=2026-12-24", "endTime"),
        ("timeline?startTime=2026-11-22&endTime=2026-11-21", "endTime"),
        ("timeline?state=FAILED", "state"),
        ("failures?startTime=soon", "startTime"),
        ("failures?limit=3", "limit"),
    ],
)
def test_bad_parameter_is_named(guest: httpx.Client, query: str, field: str) -> None:
    assert blamed(guest.get(f"/api/job/{query}")) == [field]


def test_a_timeline_has_what_ran_and_what_is_planned(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    scheduler, now_ms = memory_server.scheduler, memory_server.clock.wall_ms()
    scheduler.runs.past = PastRuns(
        [
            TimelineRun(8, "my_job", "my_app", DUE_MS, 0, RunState.RUNNING),
            TimelineRun(7, "my_job", "my_app", DUE_MS, DUE_MS + 5, RunState.FAILED),
        ],
        complete=False,
    )
    scheduler.reading.planned = PlannedFires([PlannedFire(now_ms + 1000, "my_job")], complete=True)
    shown = guest.get("/api/job/timeline").json()
    assert scheduler.runs.timeline_queries[-1] == TimelineQuery(now_ms - HOUR_MS, now_ms + HOUR_MS, limit=500)
    assert shown["runs"] == {
        "rows": [
            {
                "runId": 8,
                "jobName": "my_job",
                "appName": "my_app",
                "startTime": DUE,
                "endTime": None,
                "state": "RUNNING",
            },
            {
                "runId": 7,
                "jobName": "my_job",
                "appName": "my_app",
                "startTime": DUE,
                "endTime": "2026-11-22T03:00:00.005+08:00",
                "state": "FAILED",
            },
        ],
        "complete": False,
    }
    assert [row["jobName"] for row in shown["planned"]["rows"]] == ["my_job"]
    assert shown["planned"]["complete"]
    assert_described(guest, "/api/job/timeline", shown)


@pytest.mark.parametrize(
    "asked, start_ms, end_ms",
    [
        ("startTime=2026-11-22 03:00:00", DUE_MS, DUE_MS + HOUR_MS),
        ("endTime=2026-11-10 03:00:00", DUE_MS - 12 * DAY_MS - HOUR_MS, DUE_MS - 12 * DAY_MS),
        ("startTime=2026-11-22 03:00:00&endTime=2026-11-22 03:00:00", DUE_MS, DUE_MS),
    ],
)
def test_the_time_of_a_timeline_is_an_hour_around_what_is_named(
    memory_server: MemoryServer, guest: httpx.Client, asked: str, start_ms: int, end_ms: int
) -> None:
    assert guest.get(f"/api/job/timeline?{asked}&jobName=a&appName=b&limit=3").status_code == 200
    query = memory_server.scheduler.runs.timeline_queries[-1]
    assert query == TimelineQuery(start_ms, end_ms, "a", "b", 3)


def test_a_time_that_is_over_has_no_fires_to_come(memory_server: MemoryServer, guest: httpx.Client) -> None:
    scheduler = memory_server.scheduler
    scheduler.reading.planned = PlannedFires([PlannedFire(DUE_MS - 12 * DAY_MS, "my_job")], complete=False)
    shown = guest.get("/api/job/timeline?endTime=2026-11-10 03:00:00").json()
    assert shown["planned"] == {"rows": [], "complete": True}


def test_failures_are_grouped_by_what_they_say(memory_server: MemoryServer, guest: httpx.Client) -> None:
    runs, now_ms = memory_server.scheduler.runs, memory_server.clock.wall_ms()
    group = FailureGroup(
        "no row #, password=hunter2", 5, 2, DUE_MS, 7, "my_job", "no row 1, password=hunter2"
    )
    daemon = FailureGroup("gone", 1, 1, DUE_MS, 0, "my_daemon", "gone")
    runs.failures = FailureGroups([group, daemon], 6, complete=False)
    shown = guest.get("/api/job/failures").json()
    assert runs.failure_queries[-1] == FailureQuery(now_ms - DAY_MS, now_ms)
    assert shown["rows"] == [
        {
            "summary": "no row #, password=***",
            "count": 5,
            "jobs": 2,
            "lastTime": DUE,
            "lastRunId": 7,
            "lastJobName": "my_job",
            "lastSummary": "no row 1, password=***",
        },
        {
            "summary": "gone",
            "count": 1,
            "jobs": 1,
            "lastTime": DUE,
            "lastRunId": None,
            "lastJobName": "my_daemon",
            "lastSummary": "gone",
        },
    ]
    assert (shown["lookedAt"], shown["complete"]) == (6, False)
    assert_described(guest, "/api/job/failures", shown)
    guest.get("/api/job/failures?endTime=2026-11-22 03:00:00&jobName=a&appName=b")
    assert runs.failure_queries[-1] == FailureQuery(DUE_MS - DAY_MS, DUE_MS, "a", "b")
