"""What shows tasks, their output, events and machines."""

import pytest

from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.small_scheduler import TASK_ID, Answer, SmallScheduler


def test_tasks_of_all_kinds_are_listed(run: Run, scheduler: SmallScheduler) -> None:
    running = {
        "id": TASK_ID,
        "metaInfo": {"jobName": "my job", "shardingItems": [0]},
        "type": "READY",
        "idle": False,
    }
    ready = {"jobName": "big", "times": "2", "reason": "needs 8 CPUs"}
    failover = {"taskInfo": {"jobName": "lost", "shardingItems": [3]}, "originalTaskId": "lost@-@3"}
    scheduler.fixed = {
        "job/tasks/running": [(200, [running])],
        "job/tasks/ready": [(200, [ready])],
        "job/tasks/failover": [(200, [failover])],
    }
    listed = run("task", "list").out
    for shown in (TASK_ID, "big", "needs 8 CPUs", "lost@-@3"):
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


def test_output_is_read_to_its_present_end(run: Run, scheduler: SmallScheduler) -> None:
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        part("作业\n", 0, 10, ended=False),
        part("end", 7, 10, ended=False),
    ]
    outcome = run("task", "log", TASK_ID, "--stream", "stderr")
    assert (outcome.code, outcome.out) == (0, "作业\nend")
    assert [call.query["offset"] for call in scheduler.calls] == [["0"], ["7"]]
    assert scheduler.calls[0].query["stream"] == ["stderr"]


def test_followed_output_ends_with_the_task_and_outlives_a_change_of_leader(
    run: Run, scheduler: SmallScheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elasticjob_cloud.cli.task.FOLLOW_SECONDS", 0.001)
    scheduler.fixed[f"job/tasks/{TASK_ID}/log"] = [
        part("one\n", 0, 4, ended=False),
        part("", 4, 4, ended=False),
        (503, {"message": "No leader."}),
        part("two\n", 4, 8, ended=True, truncated=True),
    ]
    outcome = run("task", "log", TASK_ID, "--follow")
    assert (outcome.code, outcome.out) == (0, "one\ntwo\n")
    assert "output_limit_bytes" in outcome.err


def test_events_are_asked_for_by_field_and_page(run: Run, scheduler: SmallScheduler) -> None:
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


def test_agents_and_schedulers_are_listed(run: Run, scheduler: SmallScheduler) -> None:
    agent = {
        "id": "a1",
        "hostname": "h",
        "cpusUsed": 0.5,
        "cpusTotal": 2.0,
        "executors": ["x", "y"],
        "taskCount": 3,
    }
    going = {**agent, "id": "a2", "draining": "Ray drains its node."}
    scheduler.fixed["operate/agents"] = [(200, [agent, going])]
    scheduler.fixed["operate/schedulers"] = [(200, [{"id": "s1", "address": "h:1", "leader": True}])]
    agents = run("agents").out
    for shown in ("a1", "0.5 of 2", "x, y", "a2", "3, draining"):
        assert shown in agents
    assert agents.count("draining") == 1
    assert "leader" in run("schedulers").out
    assert run("agents", "--json").json == [agent, going]


@pytest.mark.parametrize("options, kind", [((), "explicit"), (("--clock",), "clock")])
def test_reconciliation_is_asked_for(
    run: Run, scheduler: SmallScheduler, options: tuple[str, ...], kind: str
) -> None:
    scheduler.fixed[f"operate/reconcile/{kind}"] = [(200, True)]
    outcome = run("reconcile", *options)
    assert (outcome.code, outcome.out) == (0, "")


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
    run: Run, scheduler: SmallScheduler, command: tuple[str, ...], hint: str
) -> None:
    empty: list[Answer] = [(200, [])]
    page: list[Answer] = [(200, {"total": 0, "rows": []})]
    scheduler.fixed = {f"job/tasks/{kind}": empty for kind in ("running", "ready", "failover")}
    scheduler.fixed |= {"operate/agents": empty, "operate/schedulers": empty}
    scheduler.fixed |= {"job/events/executions": page, "job/events/statusTraces": page}
    outcome = run(*command)
    assert (outcome.code, outcome.out) == (0, "")
    assert hint in outcome.err
