"""DAEMON tasks: the executor runs the cron itself."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.model.output.kept_output import read_kept
from tests.integration.sdk.sdk_agent import SdkAgent

EVERY_SECOND = "* * * * * ?"
JOBS = """
import asyncio, threading, time
count = 0
def counts(context):
    global count
    count += 1
    print("execution", count)

async def counts_async(context):
    await asyncio.sleep(0)
    counts(context)

def fails(context):
    raise ValueError("boom")

def spins(context):
    print("spinning")
    while True:
        pass

async def sleeps(context):
    print("sleeping")
    await asyncio.sleep(100)

def tells_sampling(context):
    print(
        context.job_event_sampling_count,
        context.current_job_event_sampling_count,
        context.allow_send_job_event,
    )

def floods(context):
    global count
    for _ in range(40):
        count += 1
        print(f"{count:06} \u5317\u4eac")

def dawdles(context):
    time.sleep(2.2)

inside = 0
def alone(context):
    global inside
    inside += 1
    assert inside == 1
    time.sleep(0.05)
    inside -= 1
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


def completions(agent: SdkAgent, task_id: str = "t0") -> list[dict[str, Any]]:
    """The ended executions of a task."""
    return [status for status in agent.statuses if status["taskId"] == task_id and "completeTime" in status]


def has_completed(agent: SdkAgent, task_id: str, count: int) -> bool:
    return len(completions(agent, task_id)) >= count


@pytest.mark.parametrize(
    "job, service",
    [("counts", "CPU"), ("counts_async", "CPU"), ("counts", "PROCESS"), ("counts", "SINGLE_THREAD")],
)
def test_daemon_without_cron_executes_again_and_again(agent: SdkAgent, job: str, service: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutionType="DAEMON", jobExecutorServiceHandlerType=service)
    agent.wait_until(lambda: len(completions(agent)) >= 3)
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"
    messages = [status.get("message") for status in agent.statuses if status["state"] == "TASK_RUNNING"]
    assert messages[:7] == ["COMPLETE", "BEGIN", "COMPLETE", "BEGIN", "COMPLETE", "BEGIN", "COMPLETE"]
    assert all(status["success"] for status in completions(agent)[:3])
    assert agent.text("t0").startswith("execution 1\nexecution 2\nexecution 3\n")


@pytest.mark.slow
def test_cron_fires_on_its_second_and_never_early(agent: SdkAgent) -> None:
    agent.start("jobs:counts")
    agent.run(jobExecutionType="DAEMON", cron=EVERY_SECOND, timeZone="Asia/Shanghai")
    agent.wait_until(lambda: len(completions(agent)) >= 2)
    first, second = (status["startTime"] for status in completions(agent)[:2])
    assert second // 1000 > first // 1000
    assert first % 1000 < 900, "an early fire would show as a late part of the second before"


@pytest.mark.slow
def test_sampling_reports_every_nth_execution(agent: SdkAgent) -> None:
    agent.start("jobs:counts")
    agent.run(jobExecutionType="DAEMON", eventTraceSamplingCount=3)
    agent.wait_until(lambda: len(completions(agent)) >= 2)
    agent.wait_text("t0", "execution 6\n")
    executed = agent.text("t0").count("execution")
    assert len(completions(agent)) <= executed // 3 + 1


def test_failed_execution_is_reported_and_the_daemon_goes_on(agent: SdkAgent) -> None:
    pause = "from elasticjob_cloud.sdk.lanes import daemons\ndaemons._PAUSE_AFTER_FAILURE_SECONDS = 0.1\n"
    agent.write("jobs.py", pause + JOBS)
    agent.start("jobs:fails")
    agent.run(jobExecutionType="DAEMON")
    agent.wait_until(lambda: len(completions(agent)) >= 2)
    assert completions(agent)[0]["success"] is False
    assert completions(agent)[0]["failureSummary"] == "ValueError: boom"
    assert "Traceback" in completions(agent)[0]["failureCause"]


def test_failed_execution_ends_the_daemon_when_its_handler_throws(agent: SdkAgent) -> None:
    agent.start("jobs:fails")
    agent.run(jobExecutionType="DAEMON", jobErrorHandlerType="THROW")
    assert agent.wait_end("t0")["state"] == "TASK_ERROR"


@pytest.mark.parametrize(
    "job, service, sign",
    [("spins", "CPU", "spinning"), ("spins", "PROCESS", "spinning"), ("sleeps", "CPU", "sleeping")],
)
def test_kill_ends_a_running_execution(agent: SdkAgent, job: str, service: str, sign: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutionType="DAEMON", jobExecutorServiceHandlerType=service)
    agent.wait_text("t0", sign)
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"
    assert agent.states("t0").count("TASK_KILLED") == 1


def test_kill_ends_a_waiting_daemon(agent: SdkAgent) -> None:
    agent.start("jobs:counts")
    agent.run(jobExecutionType="DAEMON", cron="0 0 0 1 1 ? 2099")
    agent.wait_state("t0", "TASK_RUNNING")
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"
    assert agent.text("t0") == ""


def test_items_of_a_single_thread_daemon_never_overlap(agent: SdkAgent) -> None:
    agent.start("jobs:alone")
    agent.run(range(3), jobExecutionType="DAEMON", jobExecutorServiceHandlerType="SINGLE_THREAD")
    for item in range(3):
        agent.wait_until(partial(has_completed, agent, f"t{item}", 2))
        assert all(status["success"] for status in completions(agent, f"t{item}"))


@pytest.mark.parametrize(
    "change, part",
    [
        ({"cron": "nonsense"}, "cron"),
        ({"timeZone": "Mars/Base"}, "Mars/Base"),
        ({"timeZone": "America"}, "America"),
    ],
)
def test_wrong_schedule_is_an_error(agent: SdkAgent, change: dict[str, str], part: str) -> None:
    agent.start("jobs:counts")
    schedule = {"cron": EVERY_SECOND, "timeZone": "UTC"} | change
    agent.run(jobExecutionType="DAEMON", cron=schedule["cron"], timeZone=schedule["timeZone"])
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_ERROR"
    assert part in ended["message"]


@pytest.mark.slow
@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_output_of_a_daemon_keeps_its_newest_lines(agent: SdkAgent, service: str) -> None:
    """It would otherwise fall silent for good once its limit was reached."""
    agent.start("jobs:floods")
    agent.run(limit=1000, jobExecutionType="DAEMON", jobExecutorServiceHandlerType=service)
    agent.wait_until(lambda: len(completions(agent)) >= 3)
    agent.kill("t0")
    agent.wait_end("t0")
    assert sum(file.stat().st_size for file in agent.output.glob("t0.stdout*")) <= 1000
    path = str(agent.output / "t0.stdout")
    head = read_kept(path, 0, 2000)
    assert head.content.startswith(b"000001 ")
    older = read_kept(path, len(head.content), 2000)
    newer = read_kept(path, older.offset + len(older.content), 2000)
    assert newer.offset + len(newer.content) == newer.size > 1000
    numbers = [int(line[:6]) for line in (older.content + newer.content).decode().splitlines()]
    assert numbers[-1] >= 100
    assert numbers == list(range(numbers[0], numbers[-1] + 1)), "no line is lost between the two files"


def test_failed_execution_is_reported_though_it_is_not_sampled(agent: SdkAgent) -> None:
    agent.start("jobs:fails")
    agent.run(jobExecutionType="DAEMON", eventTraceSamplingCount=1000)
    agent.wait_until(lambda: completions(agent))
    assert completions(agent)[0]["success"] is False


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_execution_knows_whether_it_is_sampled(agent: SdkAgent, service: str) -> None:
    agent.start("jobs:tells_sampling")
    agent.run(jobExecutionType="DAEMON", jobExecutorServiceHandlerType=service, eventTraceSamplingCount=3)
    agent.wait_text("t0", "3 1 False\n3 2 False\n3 2 True\n3 1 False\n")


@pytest.mark.parametrize("job, service", [("spins", "CPU"), ("sleeps", "CPU"), ("spins", "PROCESS")])
def test_execution_that_takes_too_long_is_ended_and_the_next_one_comes(
    agent: SdkAgent, job: str, service: str
) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutionType="DAEMON", jobExecutorServiceHandlerType=service, timeoutSeconds=1)

    def failed() -> list[str]:
        return [status["failureSummary"] for status in agent.statuses if status.get("success") is False]

    agent.wait_until(lambda: len(failed()) >= 2)
    assert "longer than 1 seconds (timeoutSeconds)" in failed()[0]
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"


def test_fires_that_come_during_an_execution_are_recorded(agent: SdkAgent) -> None:
    agent.start("jobs:dawdles")
    agent.run(jobExecutionType="DAEMON", cron=EVERY_SECOND)
    agent.wait_until(lambda: any("Skipped" in status.get("message", "") for status in agent.statuses))
    told = [status.get("message", "") for status in agent.statuses]
    first = next(index for index, message in enumerate(told) if "Skipped" in message)
    assert told[first - 2 : first] == ["BEGIN", "COMPLETE"]
    assert "fires that came during an execution" in told[first]
    agent.wait_until(lambda: len(agent.statuses) > first + 1)
    assert agent.statuses[first + 1]["message"] == "COMPLETE"
    agent.kill("t0")
    agent.wait_end("t0")
