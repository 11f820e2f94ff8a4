"""What shows tasks, their output, events and machines."""

import pytest

from elasticjob_cloud.model.records import FailoverRecord
from tests.acceptance.api_scheduler import running_task
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import TASK_ID, Answer, RecordedApi


def test_tasks_of_all_kinds_are_listed(run: Run, scheduler: RecordedApi) -> None:
    running = {
        "id": TASK_ID,
        "metaInfo": {"jobName": "my_job", "shardingItems": [0]},
        "type": "READY",
        "slaveId": "agent/1",
        "idle": False,
    }
    ready = {"jobName": "big", "times": "2", "reason": "no room"}
    failover = {"taskInfo": {"jobName": "lost", "shardingItems": [3]}, "originalTaskId": "lost@-@3"}
    scheduler.memory.task_records[TASK_ID] = running_task(TASK_ID)
    scheduler.memory.waiting["big"] = 2
    scheduler.memory.failovers.append(FailoverRecord(1, "lost", 3, "lost@-@3", "agent-1", 1, 0))
    listed = run("task", "list").out
    for shown in (TASK_ID, "big", "no room", "lost@-@3"):
        assert shown in listed
    assert run("task", "list", "--json").json == {
        "running": [running],
        "ready": [ready],
        "failover": [failover],
    }
    assert run("task", "list", "-j", "big", "--json").json == {
        "running": [],
        "ready": [ready],
        "failover": [],
    }


def part(content: str, offset: int, size: int, *, ended: bool, truncated: bool = False) -> Answer:
    after = offset + len(content.encode())
    return 200, {
        "content": content,
        "offset": offset,
        "nextOffset": after,
        "size": size,
        "ended": ended,
        "truncated": truncated,
    }


def test_output_is_read_to_its_present_end(run: Run, scheduler: RecordedApi) -> None:
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        part("作业\n", 0, 10, ended=False),
        part("end", 7, 10, ended=False),
    ]
    outcome = run("task", "log", TASK_ID, "--stream", "stderr")
    assert (outcome.code, outcome.out) == (0, "作业\nend")
    assert [call.query["offset"] for call in scheduler.calls] == [["0"], ["7"]]
    assert scheduler.calls[0].query["stream"] == ["stderr"]


@pytest.mark.parametrize("before", [[], [(503, {"message": "No leader."})] * 2])
def test_followed_output_ends_with_the_task_and_outlives_a_change_of_leader(
    run: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch, before: list[Answer]
) -> None:
    monkeypatch.setattr("elasticjob_cloud.cli.following.FOLLOW_SECONDS", 0.001)
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        *before,
        part("one\n", 0, 4, ended=False),
        part("", 4, 4, ended=False),
        (503, {"message": "No leader."}),
        part("two\n", 4, 8, ended=True, truncated=True),
    ]
    outcome = run("task", "log", TASK_ID, "--follow")
    assert (outcome.code, outcome.out) == (0, "one\ntwo\n")
    assert "output_limit_bytes" in outcome.err
    assert outcome.err.count("No leader. Trying again for 30 s.") == 1 + bool(before)


def test_output_that_is_not_followed_is_not_waited_for(run: Run, scheduler: RecordedApi) -> None:
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [(503, {"message": "No leader."})]
    assert run("task", "log", TASK_ID).code == 3
    assert len(scheduler.calls) == 1


@pytest.mark.parametrize(
    "page, rows, said",
    [
        (1, 2, "Page 1: 2 of 3 rows. The next: --page 2"),
        (2, 1, "Page 2: 1 of 3 rows. It is the last."),
        (3, 0, "There is no page 3: the last is 2, of 3 rows in all."),
    ],
)
def test_last_page_names_no_next_one(
    run: Run, scheduler: RecordedApi, page: int, rows: int, said: str
) -> None:
    for command, path in (("executions", "executions"), ("traces", "statusTraces")):
        scheduler.fixed[f"job/events/{path}"] = [(200, {"total": 3, "rows": [{"jobName": "my_job"}] * rows})]
        outcome = run("events", command, "--per-page", "2", "--page", str(page))
        assert outcome.err.strip() == said


def test_events_are_asked_for_by_field_and_page(run: Run, scheduler: RecordedApi) -> None:
    row = {
        "jobName": "my_job",
        "startTime": "2026-11-22T15:00:05+00:00",
        "completeTime": None,
        "isSuccess": False,
        "failureCause": "boom",
    }
    scheduler.fixed["job/events/executions"] = [(200, {"total": 3, "rows": [row]})]
    outcome = run(
        "events", "executions", "-j", "my_job", "--failed", "--per-page", "1", "--start-time", "2026-11-22"
    )
    assert "boom" in outcome.out
    assert "1 of 3" in outcome.err
    assert scheduler.calls[-1].query == {
        "jobName": ["my_job"],
        "isSuccess": ["false"],
        "startTime": ["2026-11-22"],
        "page": ["1"],
        "per_page": ["1"],
    }
    scheduler.fixed["job/events/statusTraces"] = [(200, {"total": 1, "rows": [{"state": "TASK_LOST"}]})]
    assert "TASK_LOST" in run("events", "traces", "--state", "TASK_LOST").out
    assert run("events", "traces", "--json").json == {"total": 1, "rows": [{"state": "TASK_LOST"}]}


@pytest.mark.parametrize(
    "state, success, style",
    [
        ("TASK_FINISHED", True, "green"),
        ("TASK_FINISHED", False, "red"),
        ("TASK_FINISHED", None, "green"),  # of an earlier version, which tells no more
        ("TASK_FAILED", False, "red"),
        ("TASK_KILLED", False, "yellow"),
        ("TASK_RUNNING", None, "green"),
    ],
)
def test_trace_of_a_task_that_finished_although_its_code_raised_is_red(
    run: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch, state: str, success: object, style: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    row = {"state": state, "success": success, "message": "", "summary": "" if success else "E: x"}
    scheduler.fixed["job/events/statusTraces"] = [(200, {"total": 1, "rows": [row]})]
    shown = run("events", "traces").out
    codes = {"green": "32", "red": "31", "yellow": "33"}
    assert f"\x1b[{codes[style]}m{state}\x1b[0m" in shown
    assert ("E: x" in shown) is not bool(success)


def test_agents_and_schedulers_are_listed(run: Run, scheduler: RecordedApi) -> None:
    agents = run("agents").out
    for shown in ("agent-1", "0.5 of 4", "my_app"):
        assert shown in agents
    assert "leader" in run("schedulers").out
    assert [agent["id"] for agent in run("agents", "--json").json] == ["agent-1"]


@pytest.mark.parametrize("options, kind", [((), "explicit"), (("--clock",), "clock")])
def test_reconciliation_is_asked_for(
    run: Run, scheduler: RecordedApi, options: tuple[str, ...], kind: str
) -> None:
    outcome = run("reconcile", *options)
    assert (outcome.code, outcome.out) == (0, "")
    assert scheduler.calls[-1].target == f"/api/operate/reconcile/{kind}"


@pytest.mark.parametrize(
    "command, hint",
    [
        (("app", "list"), "app publish"),
        (("job", "list"), "job register"),
        (("task", "list"), "job trigger"),
        (("agents",), "standalone"),
        (("schedulers",), "No scheduler"),
        (("events", "executions"), "job trigger"),
        (("events", "traces"), "job trigger"),
    ],
)
def test_empty_list_says_what_to_do_next(
    run: Run, scheduler: RecordedApi, command: tuple[str, ...], hint: str
) -> None:
    empty: list[Answer] = [(200, [])]
    page: list[Answer] = [(200, {"total": 0, "rows": []})]
    scheduler.fixed = {f"job/tasks/{kind}": empty for kind in ("running", "ready", "failover")}
    scheduler.fixed |= {"operate/agents": empty, "operate/schedulers": empty}
    scheduler.fixed |= {"job/events/executions": page, "job/events/statusTraces": page}
    outcome = run(*command)
    assert (outcome.code, outcome.out) == (0, "")
    assert hint in outcome.err
