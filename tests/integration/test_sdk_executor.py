"""The executor as a real process, through the protocol."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud.model.wire import OUTPUT_TRUNCATED
from tests.integration.sdk_agent import SdkAgent

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

def exits(context):
    sys.exit(3)

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


def test_process_that_dies_fails_its_shard_and_not_the_next(agent: SdkAgent) -> None:
    agent.start("dies=jobs:dies", "pid=jobs:reports_pid")
    agent.run(jobName="dies", jobExecutorServiceHandlerType="PROCESS")
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_FAILED"
    assert "exit code 7" in ended["message"]
    agent.run(jobName="pid", jobExecutorServiceHandlerType="PROCESS", prefix="u")
    assert agent.wait_end("u0")["success"] is True


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


@pytest.mark.parametrize("job", ["exits", "unprintable"])
def test_nasty_exceptions_end_the_shard_and_not_the_executor(agent: SdkAgent, job: str) -> None:
    agent.start(f"nasty=jobs:{job}", "job=jobs:Hello")
    agent.run(jobName="nasty", jobErrorHandlerType="THROW")
    assert agent.wait_end("t0")["state"] == "TASK_ERROR"
    agent.run(prefix="u")
    assert agent.wait_end("u0")["success"] is True


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


def test_output_stops_at_the_limit_with_one_marker(agent: SdkAgent) -> None:
    agent.start("jobs:floods")
    agent.run(limit=1000)
    assert agent.wait_end("t0")["success"] is True
    text = agent.text("t0")
    assert len(text.encode()) <= 1000
    assert text.count("output truncated") == 1
    assert text.startswith("x" * 99 + "\n")
    assert text.endswith(OUTPUT_TRUNCATED.decode())


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
    assert agent.wait_exit(seconds=2) in {1, -9}
    # Its pipes reach their end only when its worker processes are gone too.
    assert "the agent is gone" in agent.own_output()[1]


def test_what_a_shard_started_ends_with_the_executor(agent: SdkAgent) -> None:
    agent.start("jobs:starts_a_child")
    agent.run()
    agent.wait_text("t0", "\n")
    agent.disconnect()
    assert agent.wait_exit(seconds=2) in {1, -9}
    # The child held the executor's pipes: they end when it is gone.
    assert "the agent is gone" in agent.own_output()[1]


def test_executor_that_is_refused_says_so(agent: SdkAgent) -> None:
    agent.start("jobs:Hello", is_accepted=False)
    agent.disconnect()
    assert agent.wait_exit() != 0
    assert "does not accept" in agent.own_output()[1]


def test_large_causes_are_spread_over_lines(agent: SdkAgent) -> None:
    agent.start("jobs:fails_long")
    agent.run(range(100), jobErrorHandlerType="IGNORE")
    for item in range(100):
        assert "\u5317" in agent.wait_end(f"t{item}")["failureCause"]
    assert max(map(len, agent.lines)) < 300_000


def test_terminated_executor_ends_at_once(agent: SdkAgent) -> None:
    agent.start("jobs:spins")
    agent.run()
    agent.wait_text("t0", "spinning")
    assert agent.process is not None
    agent.process.terminate()
    assert agent.wait_exit(seconds=2) == 143


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
    agent.wait_text("u0", "spinning")
    assert agent.states("t0") == ["TASK_RUNNING"]


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
