"""The executor as a real process, through the protocol: what it runs, prints and reports."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.output.kept_output import read_kept
from tests.integration.sdk.sdk_agent import SdkAgent

JOBS = '''
import asyncio, logging, os, subprocess, sys, threading, time
from elasticjob_cloud import SimpleJob, ShardingContext, TaskKilledError, current_task

class Hello(SimpleJob):
    def execute(self, context: ShardingContext) -> None:
        print("hello", context.sharding_item, context.sharding_parameter, context.job_parameter)

def function(context):
    print("function", context.job_name)

async def coroutine(context):
    print("before", context.sharding_item)
    await asyncio.sleep(0.01)
    print("after", context.sharding_item)

def fails(context):
    raise ValueError("boom")

def fails_long(context):
    raise ValueError("\u5317" * 50_000)

def meets(context):
    """Ends only when all shards are inside at the same time."""
    barrier.wait(10)
barrier = threading.Barrier(40)

inside = 0
def alone(context):
    global inside
    inside += 1
    assert inside == 1
    time.sleep(0.005)
    assert inside == 1
    inside -= 1

async def alone_async(context):
    global inside
    inside += 1
    assert inside == 1
    await asyncio.sleep(0.005)
    assert inside == 1
    inside -= 1

def chatters(context):
    for number in range(20):
        print(f"line {number} of {context.sharding_item}")
        sys.stderr.write(f"error {number} of {context.sharding_item}\\n")
        time.sleep(0)
    thread = threading.Thread(target=lambda: print(f"thread of {context.sharding_item}"))
    thread.start()
    thread.join()
    logging.getLogger("my.app").info("logged %d", context.sharding_item)

def floods(context):
    for _ in range(1000):
        print("x" * 99)

def reports_pid(context):
    print(os.getpid())
    logging.warning("from a process")
'''


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


def test_simple_job_runs_and_is_reported(agent: SdkAgent) -> None:
    agent.start("jobs:Hello")
    agent.run(range(2), jobParameter="J")
    for item in range(2):
        ended = agent.wait_end(f"t{item}")
        assert agent.states(f"t{item}") == ["TASK_RUNNING", "TASK_FINISHED"]
        assert ended["success"] is True
        assert ended["startTime"] <= ended["completeTime"]
        assert agent.text(f"t{item}") == f"hello {item} p{item} J\n"


def test_registration_names_the_protocol_and_the_token(agent: SdkAgent) -> None:
    agent.start("jobs:Hello")
    first = json.loads(agent.lines[0])
    assert agent.process is not None
    assert first["type"] == "register"
    assert first["protocol"] == 1
    assert first["token"] == agent.token
    assert first["pid"] == agent.process.pid
    assert first["sdk"].startswith("python/")


def test_function_serves_as_a_job(agent: SdkAgent) -> None:
    agent.start("jobs:function")
    agent.run()
    assert agent.wait_end("t0")["state"] == "TASK_FINISHED"
    assert agent.text("t0") == "function job\n"


def test_each_job_name_has_its_own_job(agent: SdkAgent) -> None:
    agent.start("first=jobs:function", "second=jobs:Hello")
    agent.run(jobName="first", prefix="a")
    agent.run(jobName="second", prefix="b")
    agent.wait_end("a0")
    agent.wait_end("b0")
    assert agent.text("a0") == "function first\n"
    assert agent.text("b0").startswith("hello 0")


def test_unknown_job_name_is_an_error_that_lists_the_known_ones(agent: SdkAgent) -> None:
    agent.start("first=jobs:function", "second=jobs:Hello")
    agent.run(jobName="third")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_ERROR"
    assert "first, second" in ended["message"]
    assert agent.states("t0") == ["TASK_ERROR"]


def test_async_job_prints_to_its_own_task(agent: SdkAgent) -> None:
    agent.start("jobs:coroutine")
    agent.run(range(20))
    for item in range(20):
        assert agent.wait_end(f"t{item}")["state"] == "TASK_FINISHED"
        assert agent.text(f"t{item}") == f"before {item}\nafter {item}\n"


def test_shards_of_a_cpu_job_truly_overlap(agent: SdkAgent) -> None:
    agent.start("jobs:meets")
    agent.run(range(40))
    for item in range(40):
        ended = agent.wait_end(f"t{item}")
        assert ended["success"], ended


@pytest.mark.parametrize("job", ["alone", "alone_async"])
def test_shards_of_a_single_thread_job_never_overlap(agent: SdkAgent, job: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(range(10), jobExecutorServiceHandlerType="SINGLE_THREAD")
    for item in range(10):
        ended = agent.wait_end(f"t{item}")
        assert ended["success"], ended


def test_process_job_runs_in_another_process_with_its_output(agent: SdkAgent) -> None:
    agent.start("jobs:reports_pid")
    agent.run(range(4), jobExecutorServiceHandlerType="PROCESS")
    assert agent.process is not None
    for item in range(4):
        assert agent.wait_end(f"t{item}")["success"] is True
        assert agent.states(f"t{item}") == ["TASK_RUNNING", "TASK_FINISHED"]
        assert int(agent.text(f"t{item}")) != agent.process.pid
        assert "WARNING root: from a process" in agent.text(f"t{item}", "stderr")


@pytest.mark.parametrize(
    "handler, state, is_logged",
    [("LOG", "TASK_FINISHED", True), ("THROW", "TASK_ERROR", True), ("IGNORE", "TASK_FINISHED", False)],
)
@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_exception_is_a_failed_execution_and_its_handler_decides(
    agent: SdkAgent, handler: str, state: str, is_logged: bool, service: str
) -> None:
    agent.start("jobs:fails")
    agent.run(jobErrorHandlerType=handler, jobExecutorServiceHandlerType=service)
    ended = agent.wait_end("t0")
    assert ended["state"] == state
    assert ended["success"] is False
    assert ended["failureSummary"] == "ValueError: boom"
    assert ended["failureCause"].startswith("Traceback")
    assert ended["failureCause"].endswith("ValueError: boom\n")
    assert ("ValueError: boom" in agent.text("t0", "stderr")) is is_logged


def test_unsupported_error_handler_is_named(agent: SdkAgent) -> None:
    agent.start("jobs:Hello")
    agent.run(jobErrorHandlerType="PIGEON")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_ERROR"
    assert "'PIGEON'" in ended["message"]
    assert agent.text("t0") == ""


def test_unsupported_executor_service_is_named(agent: SdkAgent) -> None:
    agent.start("jobs:Hello")
    agent.run(jobExecutorServiceHandlerType="QUANTUM")
    assert "'QUANTUM'" in agent.wait_end("t0")["message"]


def test_output_of_fifty_shards_is_kept_apart(agent: SdkAgent) -> None:
    agent.start("jobs:chatters")
    agent.run(range(50))
    for item in range(50):
        assert agent.wait_end(f"t{item}")["success"] is True
        lines = [f"line {number} of {item}" for number in range(20)]
        assert agent.text(f"t{item}").splitlines() == [*lines, f"thread of {item}"]
        errors = agent.text(f"t{item}", "stderr").splitlines()
        assert errors[:20] == [f"error {number} of {item}" for number in range(20)]
        assert errors[20].endswith(f"INFO my.app: logged {item}")
    agent.send({"type": "stop"})
    assert agent.wait_exit() == 0
    assert agent.own_output() == ("", "")


def test_output_beyond_the_limit_keeps_its_first_and_its_last_lines(agent: SdkAgent) -> None:
    agent.start("jobs:floods")
    agent.run(limit=1000)
    assert agent.wait_end("t0")["success"] is True
    assert sum(file.stat().st_size for file in agent.output.glob("t0.stdout*")) <= 1000
    path = str(agent.output / "t0.stdout")
    head = read_kept(path, 0, 2000)
    assert (head.content, head.truncated, head.cut) == ((b"x" * 99 + b"\n") * 5, True, True)
    tail = read_kept(path, 500, 2000)
    assert tail.content.endswith(b"x" * 99 + b"\n")
    assert tail.size > 1000, "offsets count what is not kept"


def test_large_causes_are_spread_over_lines(agent: SdkAgent) -> None:
    agent.start("jobs:fails_long")
    agent.run(range(100), jobErrorHandlerType="IGNORE")
    for item in range(100):
        assert "\u5317" in agent.wait_end(f"t{item}")["failureCause"]
    assert max(map(len, agent.lines)) < 300_000


def test_logging_configured_by_the_author_is_respected(agent: SdkAgent) -> None:
    agent.write(
        "start.py",
        "import logging, sys\n"
        "from elasticjob_cloud import JobBootstrap\n"
        "logging.basicConfig(format='MINE %(message)s', level=logging.DEBUG)\n"
        "print('outside')\n"
        "def job(context): logging.debug('inside')\n"
        "JobBootstrap.execute(job)\n"
        "print('after')\n",
    )
    agent.start("start.py")
    agent.run()
    agent.wait_end("t0")
    assert "MINE inside\n" in agent.text("t0", "stderr")
    agent.send({"type": "stop"})
    assert agent.wait_exit() == 0
    assert agent.own_output()[0] == "outside\nafter\n"
