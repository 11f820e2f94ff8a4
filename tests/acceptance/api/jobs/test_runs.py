"""What is answered about runs, and what is made of what is sent, over runs that the test put there."""

from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # it comes without types
import msgspec
import pytest

from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.queries.runs import DaemonExecution, DaemonExecutionPage, RunQuery, ShardCounts
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.service.port import RunParameters, ShardChoice, TriggerJob
from tests.acceptance.conftest import MemoryServer
from tests.acceptance.memory_runs import DUE_MS, attempt_of, run_of

JOB = {
    "jobName": "my_job",
    "appName": "my_app",
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 2,
    "cpuCount": 0.1,
    "memoryMB": 64,
}
APP = {"appName": "my_app", "appURL": "http://host/app.tar.gz", "bootstrapScript": "bin/start.sh"}
DAY_MS = 86_400_000
SHOWN_RUN = {
    "runId": 7,
    "jobName": "my_job",
    "appName": "my_app",
    "source": "CRON",
    "dueTime": "2026-11-22T03:00:00.000+08:00",
    "startTime": "2026-11-22T03:00:00.012+08:00",
    "endTime": "2026-11-22T03:00:02.012+08:00",
    "state": "FAILED",
    "reason": "",
    "shards": {"total": 2, "waiting": 0, "running": 0, "succeeded": 1, "failed": 1},
    "summary": "exit code 3: FATAL: quota exceeded",
    "triggeredBy": "",
    "rerunOf": None,
    "count": 1,
    "lastDueTime": "2026-11-22T03:00:00.000+08:00",
}


@pytest.fixture
def job(admin: httpx.Client) -> httpx.Client:
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json=JOB).text == "true"
    return admin


def blamed(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 400, answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_page_has_runs_in_one_form_and_the_next_page(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    runs = memory_server.scheduler.runs
    waiting = run_of(
        8,
        RunState.WAITING,
        start_ms=0,
        end_ms=0,
        summary="",
        reason="no agent has 2 CPUs",
        shards=ShardCounts(2, 2, 0, 0, 0),
        source=FireSource.RERUN,
        rerun_of=7,
        triggered_by="root",
    )
    runs.put(waiting, run_of(7))
    runs.next = "1.7"
    page = guest.get("/api/job/runs").json()
    assert page["next"] == "1.7"
    assert page["rows"][1] == SHOWN_RUN
    assert page["rows"][0] == SHOWN_RUN | {
        "runId": 8,
        "source": "RERUN",
        "startTime": None,
        "endTime": None,
        "state": "WAITING",
        "reason": "no agent has 2 CPUs",
        "shards": {"total": 2, "waiting": 2, "running": 0, "succeeded": 0, "failed": 0},
        "summary": "",
        "triggeredBy": "root",
        "rerunOf": 7,
    }


def test_filters_are_asked_for_and_a_day_is_the_default(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    runs, now_ms = memory_server.scheduler.runs, memory_server.clock.wall_ms()
    asked: list[tuple[str, RunQuery]] = [
        ("runs", RunQuery(start_ms=now_ms - DAY_MS)),
        ("runs?state=running", RunQuery(state=RunState.RUNNING)),
        (
            "runs?jobName=a&appName=b&state=FAILED&source=MISFIRE&startTime=2026-11-22&limit=5&cursor=9.9",
            RunQuery("a", "b", RunState.FAILED, FireSource.MISFIRE, DUE_MS - 3 * 3_600_000, None, 5, "9.9"),
        ),
        (
            "runs?endTime=2026-11-22 03:00:00",
            RunQuery(start_ms=DUE_MS - DAY_MS, end_ms=DUE_MS),
        ),
        ("executions?state=SUCCEEDED", RunQuery(state=RunState.SUCCEEDED, start_ms=now_ms - DAY_MS)),
    ]
    for path, query in asked:
        assert guest.get(f"/api/job/{path}").status_code == 200
        assert runs.queries[-1] == query


@pytest.mark.parametrize(
    "query, field",
    [
        ("runs?state=DONE", "state"),
        ("runs?source=DAEMON", "source"),
        ("runs?limit=0", "limit"),
        ("runs?limit=1001", "limit"),
        ("runs?startTime=yesterday", "startTime"),
        ("runs?startTime=2026-11-22&endTime=2026-11-21", "endTime"),
        ("runs?page=2", "page"),
        ("executions?state=KILLED", "state"),
    ],
)
def test_bad_filter_is_named(guest: httpx.Client, query: str, field: str) -> None:
    assert blamed(guest.get(f"/api/job/{query}")) == [field]


def test_run_has_its_configuration_and_each_shards_attempts(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    failed = attempt_of(
        1,
        TaskState.FAILED,
        exit_code=None,
        signal=9,
        summary="killed by SIGKILL, password=hunter2",
        detail="all of it, password=hunter2",
    )
    again = attempt_of(1, attempt=2, task_id="my_job@-@1@-@FAILOVER@-@agent-2@-@uuid", agent_id="agent-2")
    settings = {
        "sharding_item_parameters": "0=Beijing,1=--token abc",
        "props": {"password": "hunter2"},
    }
    memory_server.scheduler.runs.put(run_of(7, RunState.SUCCEEDED, [failed, again], settings))
    detail = guest.get("/api/job/runs/7").json()
    assert set(detail) == {"run", "configuration", "shards"}
    assert detail["run"] == SHOWN_RUN | {"state": "SUCCEEDED"}
    assert detail["configuration"]["props"] == {"password": "***"}
    assert "disabled" not in detail["configuration"]
    assert detail["shards"][0] == {"item": 0, "parameter": "Beijing", "state": "SUCCEEDED", "attempts": []}
    shard = detail["shards"][1]
    assert (shard["item"], shard["parameter"], shard["state"]) == (1, "--token ***", "SUCCEEDED")
    assert shard["attempts"][0] == {
        "taskId": "my_job@-@1@-@READY@-@agent-1@-@uuid",
        "agentId": "agent-1",
        "attempt": 1,
        "stagedTime": "2026-11-22T03:00:00.010+08:00",
        "startTime": "2026-11-22T03:00:00.012+08:00",
        "endTime": "2026-11-22T03:00:02.012+08:00",
        "state": "TASK_FAILED",
        "success": False,
        "exitCode": None,
        "signal": 9,
        "summary": "killed by SIGKILL, password=***",
        "detail": "all of it, password=***",
    }
    assert (shard["attempts"][1]["agentId"], shard["attempts"][1]["signal"]) == ("agent-2", None)


def test_admin_sees_the_secrets_of_a_runs_configuration(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    settings = {"sharding_item_parameters": "1=--token abc", "props": {"password": "hunter2"}}
    memory_server.scheduler.runs.put(run_of(7, configuration=settings, attempts=[attempt_of(1)]))
    detail = admin.get("/api/job/runs/7").json()
    assert detail["configuration"]["props"] == {"password": "hunter2"}
    assert detail["shards"][1]["parameter"] == "--token abc"


LIVE = {"success": None, "end_ms": 0, "exit_code": None}


@pytest.mark.parametrize(
    "state, last, waiting, shown",
    [
        (RunState.RUNNING, attempt_of(1, TaskState.RUNNING, **LIVE), (), "RUNNING"),
        (RunState.RUNNING, attempt_of(1, TaskState.LOST), (1,), "WAITING"),
        (RunState.RUNNING, attempt_of(1, success=False), (), "FAILED"),
        (RunState.FAILED, attempt_of(1, TaskState.KILLED), (), "KILLED"),
        (RunState.FAILED, attempt_of(1, TaskState.LOST), (), "FAILED"),
        (RunState.KILLED, attempt_of(1, TaskState.LOST), (), "KILLED"),
        (RunState.WAITING, None, (), "WAITING"),
        (RunState.DROPPED, None, (), "DROPPED"),
    ],
)
def test_shard_is_what_its_last_attempt_is(
    memory_server: MemoryServer, guest: httpx.Client, state: RunState, last: Any, waiting: Any, shown: str
) -> None:
    detail = run_of(7, state, [] if last is None else [last])
    memory_server.scheduler.runs.put(msgspec.structs.replace(detail, waiting_items=waiting))
    assert guest.get("/api/job/runs/7").json()["shards"][1]["state"] == shown


def test_run_of_an_earlier_version_has_no_shards_that_anybody_knows(
    memory_server: MemoryServer, guest: httpx.Client
) -> None:
    memory_server.scheduler.runs.put(msgspec.structs.replace(run_of(7), configuration=None))
    detail = guest.get("/api/job/runs/7").json()
    assert (detail["configuration"], detail["shards"]) == (None, [])


@pytest.mark.parametrize("run_id", ["99", "-1", "x", "9" * 40, "7.0"])
def test_unknown_run_is_not_found_by_any_call(admin: httpx.Client, run_id: str) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/kill", None),
        ("POST", "/rerun", {"items": "all"}),
    ):
        answer = admin.request(method, f"/api/job/runs/{run_id}{path}", json=body)
        assert answer.status_code == 404, answer.text
        assert "run" in answer.json()["message"]


def test_start_of_a_daemon_job_is_no_run(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.runs.put(run_of(7, source=FireSource.DAEMON))
    answer = guest.get("/api/job/runs/7")
    assert answer.status_code == 404
    assert "GET /api/job/executions" in answer.json()["message"]


def test_executions_of_daemon_jobs_have_what_failed(memory_server: MemoryServer, guest: httpx.Client) -> None:
    row = DaemonExecution(
        3,
        "my_job",
        "my_app",
        "task",
        0,
        "host",
        "127.0.0.1",
        DUE_MS,
        DUE_MS + 5,
        RunState.FAILED,
        "s",
        "token=abc",
    )
    memory_server.scheduler.runs.executions = DaemonExecutionPage([row], None)
    assert guest.get("/api/job/executions").json() == {
        "rows": [
            {
                "executionId": 3,
                "jobName": "my_job",
                "appName": "my_app",
                "source": "DAEMON",
                "taskId": "task",
                "item": 0,
                "hostname": "host",
                "ip": "127.0.0.1",
                "startTime": "2026-11-22T03:00:00.000+08:00",
                "endTime": "2026-11-22T03:00:00.005+08:00",
                "state": "FAILED",
                "summary": "s",
                "detail": "token=***",
            }
        ],
        "next": None,
    }


def test_guest_may_look_at_runs_and_change_none(memory_server: MemoryServer, guest: httpx.Client) -> None:
    memory_server.scheduler.runs.put(run_of(7))
    assert guest.get("/api/job/runs/7").status_code == 200
    for path in ("7/kill", "7/rerun"):
        assert guest.post(f"/api/job/runs/{path}", json={"items": "all"}).status_code == 403
    assert (memory_server.scheduler.runs.killed, memory_server.scheduler.runs.rerun_asked) == ([], [])


def test_kill_and_rerun_say_who_asks(memory_server: MemoryServer, admin: httpx.Client) -> None:
    runs = memory_server.scheduler.runs
    runs.put(run_of(7))
    assert admin.post("/api/job/runs/7/kill").text == "true"
    for items in ("failed", "all", [2, 1, 2]):
        assert admin.post("/api/job/runs/7/rerun", json={"items": items}).json() == {"runId": 8}
    assert runs.killed == [(7, "root")]
    assert runs.rerun_asked == [
        (7, ShardChoice.FAILED, "root"),
        (7, ShardChoice.ALL, "root"),
        (7, [1, 2], "root"),
    ]


@pytest.mark.parametrize("items", ["some", [], [-1], ["1"], [True], [1.5], [10_000], 1, None, {}])
def test_shards_that_cannot_be_are_refused(
    memory_server: MemoryServer, admin: httpx.Client, items: Any
) -> None:
    memory_server.scheduler.runs.put(run_of(7))
    assert blamed(admin.post("/api/job/runs/7/rerun", json={"items": items})) == ["items"]
    assert memory_server.scheduler.runs.rerun_asked == []


def test_trigger_names_its_run_and_takes_parameters(memory_server: MemoryServer, job: httpx.Client) -> None:
    body = {
        "jobName": "my_job",
        "jobParameter": "once",
        "shardingItemParameters": "0=a",
        "shardingTotalCount": 1,
        "props": {"x": "1"},
        "idempotencyKey": "night",
    }
    bare = job.post("/api/job/trigger", content="my_job")
    told = job.post("/api/job/trigger", json=body)
    assert (bare.text, bare.headers["x-run-id"]) == ("true", "1")
    assert (told.text, told.headers["x-run-id"]) == ("true", "2")
    assert memory_server.scheduler.submitted[-2:] == [
        TriggerJob("my_job", triggered_by="root"),
        TriggerJob("my_job", RunParameters("once", "0=a", 1, {"x": "1"}), "root", "night"),
    ]


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"props": {"script.command.line": "rm -rf /"}}, "props"),
        ({"props": {"http.uri": "http://elsewhere/"}}, "props"),
        ({"props": {"x": 1}}, "props"),
        ({"shardingTotalCount": 0}, "shardingTotalCount"),
        ({"shardingTotalCount": 10_001}, "shardingTotalCount"),
        ({"jobParameter": "x" * 65_537}, "jobParameter"),
        ({"props": {"token": "***"}}, "props"),
        ({"idempotencyKey": "x" * 1_025}, "idempotencyKey"),
        ({"cron": "0 0 0 * * ?"}, "cron"),
        ({"jobName": None}, "jobName"),
    ],
)
def test_bad_parameter_of_a_trigger_is_named(
    memory_server: MemoryServer, job: httpx.Client, fields: dict[str, Any], field: str
) -> None:
    submitted = len(memory_server.scheduler.submitted)
    answer = job.post("/api/job/trigger", json={"jobName": "my_job", **fields})
    assert blamed(answer) == [field]
    assert len(memory_server.scheduler.submitted) == submitted


def test_parameter_that_no_script_could_be_told_is_refused(
    memory_server: MemoryServer, job: httpx.Client
) -> None:
    record = memory_server.scheduler.job_records["my_job"]
    script: JobConfiguration = msgspec.structs.replace(
        record.configuration, props={"script.command.line": "./report.sh"}
    )
    memory_server.scheduler.job_records["my_job"] = msgspec.structs.replace(record, configuration=script)
    body = {"jobName": "my_job", "jobParameter": "'" * 60_000}
    assert blamed(job.post("/api/job/trigger", json=body)) == ["jobParameter"]


def test_masked_parameter_of_a_trigger_stands_for_the_jobs_own(
    memory_server: MemoryServer, job: httpx.Client
) -> None:
    secret = {**JOB, "jobParameter": "--password hunter2"}
    assert job.put("/api/job/update", json=secret).text == "true"
    body = {"jobName": "my_job", "jobParameter": "--password ***"}
    assert job.post("/api/job/trigger", json=body).text == "true"
    command = memory_server.scheduler.submitted[-1]
    assert isinstance(command, TriggerJob)
    assert command.parameters.job_parameter == "--password hunter2"


def test_nothing_is_known_of_runs_while_the_scheduler_says_so(
    memory_server: MemoryServer, job: httpx.Client
) -> None:
    memory_server.scheduler.failure = NotLeadingError("No scheduler leads.")
    answer = job.post("/api/job/trigger", json={"jobName": "my_job"})
    assert (answer.status_code, "x-run-id" in answer.headers) == (503, False)


def exactly(schema: Any) -> Any:
    """Give a schema in which no object may have a property that is not described."""
    if isinstance(schema, list):
        return [exactly(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {"additionalProperties": False} if "properties" in schema else {}
    return {**{name: exactly(value) for name, value in schema.items()}, **closed}


def test_answers_and_examples_are_exactly_as_the_document_describes_them(
    memory_server: MemoryServer, admin: httpx.Client
) -> None:
    runs = memory_server.scheduler.runs
    live = attempt_of(0, TaskState.STAGING, success=None, start_ms=0, end_ms=0, exit_code=None)
    runs.put(run_of(7, RunState.RUNNING, [live, attempt_of(1, TaskState.FAILED, signal=9)], end_ms=0))
    runs.put(msgspec.structs.replace(run_of(8), configuration=None))
    runs.next = "1.7"
    row = DaemonExecution(3, "j", "a", "task", 0, "host", "ip", DUE_MS, DUE_MS, RunState.FAILED, "s", "d")
    runs.executions = DaemonExecutionPage([row], None)
    document = exactly(admin.get("/api/openapi.json").json())
    for path, call in (
        ("runs", admin.get("/api/job/runs")),
        ("runs/{runId}", admin.get("/api/job/runs/7")),
        ("runs/{runId}", admin.get("/api/job/runs/8")),
        ("executions", admin.get("/api/job/executions")),
        ("runs/{runId}/rerun", admin.post("/api/job/runs/7/rerun", json={"items": "all"})),
    ):
        methods = document["paths"][f"/api/job/{path}"]
        described = methods[call.request.method.lower()]["responses"]["200"]["content"]["application/json"]
        schema = {**described["schema"], "components": document["components"]}
        for answer in (call.json(), *schema.get("examples", ())):
            jsonschema.validate(answer, schema)
