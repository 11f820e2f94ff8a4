"""The executor as a real process: kills, deaths and its own end, and who must not be touched by them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sdk.sdk_agent import SdkAgent

JOBS = """
import asyncio, logging, os, subprocess, sys, threading, time
from elasticjob_cloud import SimpleJob, ShardingContext, TaskKilledError, current_task

class Hello(SimpleJob):
    def execute(self, context: ShardingContext) -> None:
        print("hello", context.sharding_item, context.sharding_parameter, context.job_parameter)

def exits(context):
    sys.exit(3)

def spins(context):
    try:
        print("spinning", flush=True)
        while True:
            pass
    finally:
        print("cleaned up")

async def sleeps_async(context):
    print("sleeping")
    await asyncio.sleep(100)

def cooperates(context):
    print("looking")
    while not current_task().killed:
        try:
            time.sleep(0.001)
        except TaskKilledError:
            pass

def stubborn(context):
    time.sleep(100)

def reports_pid(context):
    print(os.getpid())
    logging.warning("from a process")

def starts_a_child(context):
    child = subprocess.Popen(["sleep", "100"])
    print("child", child.pid, flush=True)
    time.sleep(100)

def dies(context):
    os._exit(7)

class Unprintable(Exception):
    def __str__(self):
        raise SystemExit("no")
def unprintable(context):
    raise Unprintable()
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


def test_process_that_dies_fails_its_shard_and_not_the_next(agent: SdkAgent) -> None:
    agent.start("dies=jobs:dies", "pid=jobs:reports_pid")
    agent.run(jobName="dies", jobExecutorServiceHandlerType="PROCESS")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_FAILED"
    assert "exit code 7" in ended["message"]
    agent.run(jobName="pid", jobExecutorServiceHandlerType="PROCESS", prefix="u")
    assert agent.wait_end("u0")["success"] is True


@pytest.mark.parametrize("job", ["exits", "unprintable"])
def test_nasty_exceptions_end_the_shard_and_not_the_executor(agent: SdkAgent, job: str) -> None:
    agent.start(f"nasty=jobs:{job}", "job=jobs:Hello")
    agent.run(jobName="nasty", jobErrorHandlerType="THROW")
    assert agent.wait_end("t0")["state"] == "TASK_ERROR"
    agent.run(prefix="u")
    assert agent.wait_end("u0")["success"] is True


@pytest.mark.parametrize(
    "job, service, sign",
    [
        ("spins", "CPU", "spinning"),
        ("spins", "SINGLE_THREAD", "spinning"),
        ("spins", "PROCESS", "spinning"),
        ("stubborn", "PROCESS", ""),
        ("sleeps_async", "CPU", "sleeping"),
        ("sleeps_async", "PROCESS", "sleeping"),
        ("cooperates", "CPU", "looking"),
    ],
)
def test_killed_shard_ends_and_the_executor_goes_on(
    agent: SdkAgent, job: str, service: str, sign: str
) -> None:
    agent.start(f"victim=jobs:{job}", "job=jobs:Hello")
    agent.run(jobName="victim", jobExecutorServiceHandlerType=service)
    agent.wait_state("t0", "TASK_RUNNING")
    agent.wait_text("t0", sign)
    agent.kill("t0")
    ended = agent.wait_end("t0")
    assert agent.states("t0") == ["TASK_RUNNING", "TASK_KILLED"]
    assert ended["success"] is False
    if job == "spins":
        assert agent.text("t0") == "spinning\ncleaned up\n"
    agent.run(jobExecutorServiceHandlerType=service, prefix="u")
    assert agent.wait_end("u0")["success"] is True


def test_busy_shards_hold_up_neither_short_ones_nor_kills(agent: SdkAgent) -> None:
    agent.start("spins=jobs:spins", "job=jobs:Hello")
    busy = agent.run(range(12), jobName="spins")
    agent.run(prefix="short")
    assert agent.wait_end("short0")["success"] is True
    agent.kill(*busy)
    for task_id in busy:
        assert agent.wait_end(task_id)["state"] == "TASK_KILLED"


def test_shard_killed_in_the_queue_never_starts(agent: SdkAgent) -> None:
    agent.start("jobs:spins")
    agent.run(range(2), jobExecutorServiceHandlerType="SINGLE_THREAD")
    agent.wait_text("t0", "spinning")
    agent.kill("t1", "t1", "nobody")
    assert agent.wait_end("t1")["state"] == "TASK_KILLED"
    agent.kill("t0")
    agent.wait_end("t0")
    agent.run(jobExecutorServiceHandlerType="SINGLE_THREAD", prefix="u")
    agent.wait_text("u0", "spinning")
    assert agent.states("t1") == ["TASK_KILLED"]
    assert agent.text("t1") == ""


def test_many_kills_at_random_moments_end_every_shard_once(agent: SdkAgent) -> None:
    agent.start("job=jobs:Hello")
    for wave in range(20):
        agent.kill(*agent.run(range(50), prefix=f"w{wave}-"))
    ids = [f"w{wave}-{item}" for wave in range(20) for item in range(50)]
    for task_id in ids:
        agent.wait_end(task_id)
    agent.run(prefix="last")
    assert agent.wait_end("last0")["state"] == "TASK_FINISHED"
    for task_id in ids:
        assert agent.states(task_id)[-1] in {"TASK_FINISHED", "TASK_KILLED"}
        assert len(agent.states(task_id)) == len(set(agent.states(task_id)))


def test_executor_ends_with_its_agent(agent: SdkAgent) -> None:
    agent.start("spins=jobs:spins", "stubborn=jobs:stubborn")
    agent.run(jobName="spins")
    agent.run(jobName="stubborn", jobExecutorServiceHandlerType="PROCESS", prefix="u")
    agent.wait_state("u0", "TASK_RUNNING")
    agent.wait_text("t0", "spinning")
    agent.disconnect()
    assert agent.wait_exit() in {1, -9}
    # Its pipes reach their end only when its worker processes are gone too.
    assert "the agent is gone" in agent.own_output()[1]


def test_what_a_shard_started_ends_with_the_executor(agent: SdkAgent) -> None:
    agent.start("jobs:starts_a_child")
    agent.run()
    agent.wait_text("t0", "\n")
    agent.disconnect()
    assert agent.wait_exit() in {1, -9}
    # The child held the executor's pipes: they end when it is gone.
    assert "the agent is gone" in agent.own_output()[1]


def test_executor_that_is_refused_says_so(agent: SdkAgent) -> None:
    agent.start("jobs:Hello", is_accepted=False)
    agent.disconnect()
    assert agent.wait_exit() != 0
    assert "does not accept" in agent.own_output()[1]


def test_terminated_executor_ends_at_once(agent: SdkAgent) -> None:
    agent.start("jobs:spins")
    agent.run()
    agent.wait_text("t0", "spinning")
    assert agent.process is not None
    agent.process.terminate()
    assert agent.wait_exit() == 143


def test_broken_lines_from_the_agent_are_ignored(agent: SdkAgent) -> None:
    agent.start("jobs:Hello")
    agent.send_raw(b"nonsense\n\n[1]\n\xff\xfe\n")
    agent.send_raw(b'{"type":"run"}\n{"type":"kill","taskIds":5}\n{"type":"dance"}\n{}\n')
    agent.run()
    assert agent.wait_end("t0")["success"] is True
    agent.send({"type": "stop"})
    assert agent.wait_exit() == 0
    assert "broken line" in agent.own_output()[1]


def test_task_sent_twice_runs_once(agent: SdkAgent) -> None:
    agent.start("jobs:spins")
    agent.run()
    agent.wait_text("t0", "spinning")
    agent.run()
    agent.run(prefix="u")
    agent.wait_state("u0", "TASK_RUNNING")  # told after all that was told of t0
    assert agent.states("t0") == ["TASK_RUNNING"]
