"""The executor as a real process, through the protocol."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sdk_agent import SdkAgent

JOBS = '''
import asyncio, logging, os, sys, threading, time
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
    print("spinning", flush=True)
    try:
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
