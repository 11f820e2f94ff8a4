"""What job code, or a fault of ours, can do to an executor: each task comes to an end that says why."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sdk.sdk_agent import SdkAgent
from tests.processes import is_alive

JOBS = """
import contextlib, os, signal, sys, threading, time, logging
from elasticjob_cloud import TaskKilledError

def hello(context):
    print("hello", context.sharding_item)

def closes(context):
    print("before")
    os.closerange(3, 1000)
    with open("mine.txt", "w") as mine:
        print("after")
        mine.write("only this")

def closes_all(context):
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            with contextlib.suppress(OSError):
                os.close(int(name))

async def closes_loop(context):
    os.closerange(3, 1000)

def spoils_times(context):
    from elasticjob_cloud.sdk import execution
    execution._handle = None  # stands for a fault of ours
    raise ValueError

def spoils_status(context):
    from elasticjob_cloud.sdk import execution
    now = execution.now_ms
    execution.now_ms = lambda: object()  # as above: cannot be sent
    context.props["now"] = ""

def alarms(context):
    signal.alarm(1)

def waits(context):
    time.sleep(1.5)
    print("waited")

def pid(context):
    print(os.getpid())

class Slow(logging.Handler):
    def emit(self, record):
        print("emitting", flush=True)
        time.sleep(0.02)

slow = logging.getLogger("slow")
slow.addHandler(Slow())
slow.propagate = False
lock = threading.Lock()

def logs(context):
    while True:
        slow.warning("x")

def logs_once(context):
    slow.warning("x")
    with lock:
        print("logged")

def locks(context):
    print("locking", flush=True)
    while True:
        lock.acquire()
        try:
            time.sleep(0.001)
        finally:
            lock.release()
"""
UNGUARDED = """
import multiprocessing, os
from elasticjob_cloud import JobBootstrap
with open("starts.txt", "a") as starts:
    starts.write("x")
def double(number):
    return 2 * number
def job(context):
    for method in ("spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(pool.map(double, [1, 2, 3]))
JobBootstrap.execute(job)
"""
AWAITS = """
import asyncio, os
async def forks(context):
    ready.append(context.task_id)
    while len(ready) < 4:
        await asyncio.sleep(0)
    pid = os.fork()
    await asyncio.sleep(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
ready = []
"""
HANGING = """
import os, time
from pathlib import Path
from elasticjob_cloud import JobBootstrap
if "ELASTICJOB_POOL_SOCKET" in os.environ and not Path("go").exists():
    Path("hanging").write_text(str(os.getpid()))
    executor = os.getppid()
    while os.getppid() == executor:  # not longer than the test
        time.sleep(0.05)
def job(context): print("ran")
JobBootstrap.execute(job)
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


@pytest.mark.parametrize("service", ["CPU", "SINGLE_THREAD", "PROCESS"])
def test_status_survives_a_job_that_closes_descriptors(agent: SdkAgent, service: str) -> None:
    agent.start("closes=jobs:closes", "job=jobs:hello")
    agent.run(jobName="closes", jobExecutorServiceHandlerType=service)
    assert agent.wait_end("t0")["success"] is True
    assert agent.text("t0") == "before\nafter\n"
    assert (agent.folder / "mine.txt").read_text() == "only this"
    agent.run(range(3), jobExecutorServiceHandlerType=service, prefix="u")
    for item in range(3):
        assert agent.wait_end(f"u{item}")["success"] is True
        assert agent.text(f"u{item}") == f"hello {item}\n"


def test_executor_that_lost_its_connection_ends_and_says_why(agent: SdkAgent) -> None:
    agent.start("jobs:closes_all")
    agent.run()
    assert agent.wait_exit() == 71
    assert "job code closed descriptors that it did not open" in agent.own_output()[1]


def test_worker_that_lost_its_connection_fails_its_shard_alone(agent: SdkAgent) -> None:
    agent.start("closes=jobs:closes_all", "job=jobs:hello")
    agent.run(jobName="closes", jobExecutorServiceHandlerType="PROCESS")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_FAILED"
    assert "job code closed descriptors" in ended["message"]
    agent.run(jobExecutorServiceHandlerType="PROCESS", prefix="u")
    assert agent.wait_end("u0")["success"] is True


def test_executor_whose_event_loop_is_closed_ends_and_says_why(agent: SdkAgent) -> None:
    agent.start("jobs:closes_loop")
    agent.run()
    assert agent.wait_exit() == 71
    assert "event loop" in agent.own_output()[1]


@pytest.mark.parametrize("job", ["spoils_times", "spoils_status"])
@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_fault_of_ours_is_a_failed_task_that_says_so(agent: SdkAgent, job: str, service: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutorServiceHandlerType=service)
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_FAILED"
    assert "bug in elasticjob-cloud" in ended["message"]


def test_worker_that_hangs_before_it_serves_is_ended_and_named(agent: SdkAgent) -> None:
    agent.write("start.py", HANGING)
    agent.start("start.py", environment={"ELASTICJOB_WORKER_START_SECONDS": "0.5"})
    agent.run(jobExecutorServiceHandlerType="PROCESS")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_ERROR"
    assert "JobBootstrap.execute within 0.5 seconds" in ended["message"]
    assert not is_alive(int((agent.folder / "hanging").read_text()))


def test_shard_killed_while_its_worker_hangs_gives_the_lane_back(agent: SdkAgent) -> None:
    agent.write("start.py", HANGING)
    agent.start("start.py")
    lanes = len(os.sched_getaffinity(0))
    tasks = agent.run(range(lanes), jobExecutorServiceHandlerType="PROCESS")
    while not (agent.folder / "hanging").exists():
        agent.wait_until(lambda: True)
    agent.kill(*tasks)
    for task in tasks:
        assert agent.wait_end(task)["state"] == "TASK_KILLED"
    agent.write("go", "")
    agent.run(jobExecutorServiceHandlerType="PROCESS", prefix="u")
    assert agent.wait_end("u0")["success"] is True


@pytest.mark.slow
@pytest.mark.parametrize("service", ["CPU", "SINGLE_THREAD", "PROCESS"])
def test_alarm_that_a_shard_left_does_not_end_the_next(agent: SdkAgent, service: str) -> None:
    agent.start("alarms=jobs:alarms", "waits=jobs:waits")
    lanes = len(os.sched_getaffinity(0)) if service == "PROCESS" else 1
    for task in agent.run(range(lanes), jobName="alarms", jobExecutorServiceHandlerType=service):
        agent.wait_end(task)
    waiting = agent.run(range(lanes), jobName="waits", jobExecutorServiceHandlerType=service, prefix="u")
    for task in waiting:
        assert agent.wait_end(task)["success"] is True


@pytest.mark.parametrize("job, sign", [("logs", "emitting"), ("locks", "locking")])
def test_kill_leaves_no_lock_held(agent: SdkAgent, job: str, sign: str) -> None:
    agent.start(f"victim=jobs:{job}", "job=jobs:logs_once")
    for wave in range(5):
        victims = agent.run(range(4), jobName="victim", prefix=f"v{wave}-")
        for task in victims:
            agent.wait_text(task, sign)
        agent.kill(*victims)
        for task in victims:
            assert agent.wait_end(task)["state"] == "TASK_KILLED"
    agent.run(prefix="u")
    assert agent.wait_end("u0")["success"] is True
    assert agent.text("u0") == "emitting\nlogged\n"


@pytest.mark.slow
@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_bootstrap_script_without_guard_may_spawn(agent: SdkAgent, service: str) -> None:
    agent.write("start.py", UNGUARDED)
    agent.start("start.py")
    tasks = agent.run(range(2), jobExecutorServiceHandlerType=service)
    for task in tasks:
        assert agent.wait_end(task)["success"] is True, agent.wait_end(task)
        assert agent.text(task) == "[2, 4, 6]\n" * 2
    # The executor, worker processes, and four processes of pools for each shard, one or two of them replaced maybe.
    assert len((agent.folder / "starts.txt").read_text()) < 30


def test_forked_child_that_awaits_runs_no_other_shard(agent: SdkAgent) -> None:
    agent.write("awaits.py", AWAITS)
    agent.start("awaits:forks")
    for task in agent.run(range(4)):
        assert agent.wait_end(task)["success"] is True, agent.wait_end(task)
        assert agent.text(task) == "1\n"
        assert "cannot await" in agent.text(task, "stderr")


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_full_disk_below_the_output_fails_no_shard(agent: SdkAgent, service: str) -> None:
    (agent.output / "t0.stdout").symlink_to("/dev/full")
    agent.start("jobs:hello")
    agent.run(jobExecutorServiceHandlerType=service)
    assert agent.wait_end("t0")["success"] is True
