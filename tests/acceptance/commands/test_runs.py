"""Runs on the command line: started, waited for, followed, listed, killed, run again."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from elasticjob_cloud.cli.output import Failure, print_table
from elasticjob_cloud.model.errors import NotLeadingError
from elasticjob_cloud.model.fire import FireSource, RunState
from elasticjob_cloud.model.queries.runs import RunDetail, RunQuery, ShardCounts
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.service.port import RunParameters, ShardChoice, TriggerJob
from tests.acceptance.commands.conftest import Run
from tests.acceptance.commands.recorded_api import RecordedApi
from tests.acceptance.memory_runs import DUE_MS, attempt_of, run_of

REASON = "exit code 3: FATAL: quota exceeded"
LIVE = {"success": None, "end_ms": 0, "exit_code": None}
Steps = Callable[..., None]


def failed_run(run_id: int = 1) -> RunDetail:
    failed = attempt_of(1, TaskState.FAILED, exit_code=3, summary=REASON)
    return run_of(run_id, RunState.FAILED, [attempt_of(0), failed])


def succeeded_run(run_id: int = 1, **fields: Any) -> RunDetail:
    counts = ShardCounts(1, 0, 0, 1, 0)
    return run_of(
        run_id, RunState.SUCCEEDED, [attempt_of(0)], {"sharding_total_count": 1}, shards=counts, **fields
    )


def running_run(run_id: int = 1) -> RunDetail:
    live = attempt_of(0, TaskState.RUNNING, **LIVE)
    counts = ShardCounts(1, 0, 1, 0, 0)
    return run_of(run_id, RunState.RUNNING, [live], {"sharding_total_count": 1}, shards=counts, end_ms=0)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Have something happen each time that the command waits."""

    def during(*happenings: Callable[[], None]) -> None:
        left = iter(happenings)
        monkeypatch.setattr("elasticjob_cloud.cli.run_end.wait_longer", lambda _looks: next(left)())

    return during


def test_trigger_names_its_run(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    outcome = run("job", "trigger", "my_job")
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == "Triggered my_job: run 1. See: elasticjob-cloud run show 1\n"
    assert scheduler.calls[-1].body == "my_job"
    assert run("job", "trigger", "my_job", "--json").json == {"runId": 2}


def test_parameter_of_a_trigger_is_its_runs_alone(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    assert run("job", "trigger", "my_job", "--parameter", "2026-11-22").code == 0
    command = scheduler.memory.submitted[-1]
    assert command == TriggerJob("my_job", RunParameters(job_parameter="2026-11-22"))


@pytest.mark.parametrize(
    "end, code, said",
    [
        (succeeded_run(), 0, "Run 1 of my_job succeeded: 1 shard in 2.000 s."),
        (failed_run(), 1, f"Run 1 of my_job failed: {REASON}"),
        (
            run_of(1, RunState.KILLED, reason="Killed by root."),
            5,
            "Run 1 of my_job was killed: Killed by root.",
        ),
        (run_of(1, RunState.DROPPED, reason="disabled"), 5, "Run 1 of my_job was dropped: disabled"),
    ],
)
def test_exit_code_says_how_the_run_ended(
    run: Run, scheduler: RecordedApi, steps: Steps, end: RunDetail, code: int, said: str
) -> None:
    scheduler.register("my_job")
    scheduler.memory.runs.put(run_of(1, RunState.WAITING))
    steps(lambda: scheduler.memory.runs.put(running_run()), lambda: scheduler.memory.runs.put(end))
    outcome = run("job", "trigger", "my_job", "--wait")
    assert (outcome.code, outcome.out) == (code, "")
    assert said in outcome.err.splitlines()


def test_run_that_is_waited_for_is_given_as_json(run: Run, scheduler: RecordedApi) -> None:
    scheduler.register("my_job")
    scheduler.memory.runs.put(failed_run())
    outcome = run("job", "trigger", "my_job", "--wait", "--json")
    assert (outcome.code, outcome.json["run"]["state"]) == (1, "FAILED")


def test_waiting_outlives_a_change_of_the_leader(
    run: Run, scheduler: RecordedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elasticjob_cloud.cli.following.FOLLOW_SECONDS", 0.001)
    scheduler.register("my_job")
    scheduler.memory.runs.put(succeeded_run())
    no_leader = (503, {"message": str(NotLeadingError("No scheduler leads."))})
    end = (200, {"run": {"runId": 1, "jobName": "my_job", "state": "KILLED", "reason": ""}, "shards": []})
    scheduler.fixed["job/runs/1"] = [no_leader, no_leader, end]
    outcome = run("job", "trigger", "my_job", "--wait")
    assert outcome.code == 5
    assert outcome.err.count("No scheduler leads.") == 1


def test_followed_run_prints_what_its_attempts_print(run: Run, scheduler: RecordedApi, steps: Steps) -> None:
    scheduler.register("my_job")
    memory = scheduler.memory
    memory.runs.put(running_run())  # and nothing was printed yet
    first, second = attempt_of(0), attempt_of(0, attempt=2, task_id="my_job@-@0@-@FAILOVER@-@agent-2@-@uuid")

    def begin() -> None:
        memory.outputs[first.task_id, "stdout"] = b"one\n"

    def fail_over() -> None:
        memory.outputs[first.task_id, "stdout"] = b"one\ntwo"
        memory.outputs[second.task_id, "stdout"] = b"again\n"
        memory.ended = True
        lost = attempt_of(0, TaskState.LOST)
        settings = {"sharding_total_count": 1}
        counts = ShardCounts(1, 0, 0, 1, 0)
        memory.runs.put(run_of(1, RunState.SUCCEEDED, [lost, second], settings, shards=counts))

    steps(begin, fail_over)
    outcome = run("job", "trigger", "my_job", "--follow")
    assert outcome.code == 0
    assert outcome.out.startswith("one\ntwo")
    assert outcome.out.endswith("again\n")
    assert "no output" not in outcome.err


def test_runs_are_listed_with_why_they_failed_and_how_to_see_more(run: Run, scheduler: RecordedApi) -> None:
    runs = scheduler.memory.runs
    runs.put(failed_run(8), run_of(7, RunState.DROPPED, reason="misfired", summary="", count=3))
    runs.next = "1.7"
    outcome = run("run", "list", "--job-name", "my_job", "--state", "failed", "--limit", "2")
    lines = outcome.out.splitlines()
    assert lines[0].split() == ["RUN", "JOB", "STATE", "SOURCE", "STARTED", "SECONDS", "SHARDS", "WHY"]
    assert (lines[1].split()[:4], lines[1].strip().endswith(f"1/2     {REASON}")) == (
        ["8", "my_job", "FAILED", "CRON"],
        True,
    )
    assert lines[2].strip().endswith("misfired (3 due times)")
    assert outcome.err == "There are more. The next page: the same command with --cursor 1.7\n"
    asked = runs.queries[-1]
    assert (asked.job_name, asked.state, asked.limit) == ("my_job", RunState.FAILED, 2)
    assert run("run", "list", "--json").json["next"] == "1.7"
    wide = run("run", "list", "--wide").out
    assert "my_app" in wide
    assert "RERUN OF" in wide


def test_empty_list_says_how_far_it_looked(run: Run, scheduler: RecordedApi) -> None:
    outcome = run(
        "run", "list", "--source", "rerun", "--start-time", "2026-11-22T00:00:00Z", "--cursor", "1.1"
    )
    assert (outcome.code, outcome.out) == (0, "")
    assert "24 hours" in outcome.err
    query = scheduler.memory.runs.queries[-1]
    assert query == RunQuery(source=FireSource.RERUN, start_ms=DUE_MS + 5 * 3_600_000, cursor="1.1")


def test_run_is_shown_with_its_shards_and_masked_settings(run: Run, scheduler: RecordedApi) -> None:
    detail = failed_run(7)
    scheduler.memory.runs.put(
        run_of(7, attempts=detail.attempts, configuration={"props": {"password": "hunter2"}})
    )
    outcome = run("run", "show", "7")
    assert "FAILED     1        " in outcome.out
    assert REASON in outcome.out
    assert "my_job@-@" not in outcome.out
    assert "elasticjob-cloud run rerun 7" in outcome.err
    wide = run("run", "show", "7", "--wide")
    assert "my_job@-@1@-@READY@-@agent-1@-@uuid" in wide.out
    assert "hunter2" not in wide.out
    assert run("run", "show", "7", "--json").json["run"]["runId"] == 7


def test_run_is_killed_and_run_again(run: Run, scheduler: RecordedApi) -> None:
    runs = scheduler.memory.runs
    runs.put(failed_run(7))
    assert run("run", "kill", "7").err == "Killed run 7. See: elasticjob-cloud run show 7\n"
    assert run("run", "rerun", "7").err == "Run 8 repeats run 7. See: elasticjob-cloud run show 8\n"
    assert run("run", "rerun", "7", "--all", "--json").json == {"runId": 8}
    assert run("run", "rerun", "7", "--item", "2", "--item", "1").code == 0
    runs.put(succeeded_run(8))
    scheduler.fixed["job/runs/7/rerun"] = [(200, {"runId": 8})]
    assert run("run", "rerun", "7", "--wait").code == 0
    assert runs.killed == [(7, "")]
    assert [shards for _, shards, _ in runs.rerun_asked[:3]] == [ShardChoice.FAILED, ShardChoice.ALL, [1, 2]]


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("run", "show", "99"), "There is no run 99."),
        (("run", "kill", "99"), "There is no run 99."),
        (("run", "rerun", "99"), "There is no run 99."),
        (("run", "rerun", "7", "--all", "--item", "1"), "Give --all or --item, not both."),
        (("run", "list", "--state", "done"), "'done'"),
        (("run", "list", "--start-time", "yesterday"), "startTime"),
    ],
)
def test_wrong_use_ends_with_2_and_says_why(
    run: Run, scheduler: RecordedApi, arguments: tuple[str, ...], said: str
) -> None:
    scheduler.memory.runs.put(failed_run(7))
    outcome = run(*arguments)
    assert (outcome.code, said in outcome.err) == (2, True), outcome.err


def test_scheduler_of_an_earlier_version_cannot_be_waited_for(run: Run, scheduler: RecordedApi) -> None:
    scheduler.fixed["job/trigger"] = [(200, True)]
    outcome = run("job", "trigger", "my_job", "--wait")
    assert (outcome.code, "earlier version" in outcome.err) == (2, True)


def test_interrupted_wait_says_that_the_run_goes_on(run: Run, scheduler: RecordedApi, steps: Steps) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    scheduler.register("my_job")
    scheduler.memory.runs.put(running_run())
    steps(interrupt)
    outcome = run("job", "trigger", "my_job", "--wait")
    assert (outcome.code, outcome.err) == (130, "Run 1 goes on. See: elasticjob-cloud run show 1\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream, is_red", [(Terminal(), True), (io.StringIO(), False)])
def test_why_a_run_failed_is_red_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *, is_red: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", stream)
    print_table(("STATE", "WHY"), [("FAILED", Failure("boom")), ("DROPPED", "misfired")])
    assert ("\x1b[31mboom" in stream.getvalue()) is is_red
    assert "boom" in stream.getvalue()


def test_events_show_ids_when_wide(run: Run, scheduler: RecordedApi) -> None:
    row = {"taskId": "the-task", "originalTaskId": "the-first", "jobName": "my_job", "isSuccess": True}
    scheduler.fixed["job/events/executions"] = [(200, {"total": 1, "rows": [row]})]
    scheduler.fixed["job/events/statusTraces"] = [(200, {"total": 1, "rows": [row]})]
    assert "the-task" not in run("events", "executions").out
    assert "the-task" in run("events", "executions", "--wide").out
    assert "the-first" not in run("events", "traces").out
    assert "the-first" in run("events", "traces", "--wide").out
