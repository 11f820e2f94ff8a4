"""Dataflow jobs in an executor, under every executor service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sdk.notification_servers import Answer, HttpRecorder
from tests.integration.sdk.sdk_agent import SdkAgent

JOBS = """
import asyncio
from elasticjob_cloud import DataflowJob

class Counts(DataflowJob):
    def __init__(self):
        self.left = {}
    def fetch_data(self, context):
        left = self.left.setdefault(context.task_id, [3, 2, 1])
        return [left.pop()] if left else None
    def process_data(self, context, data):
        print(context.sharding_item, data)

class CountsAsync(Counts):
    async def process_data(self, context, data):
        await asyncio.sleep(0)
        print(context.sharding_item, data)

class Endless(DataflowJob):
    def fetch_data(self, context):
        return [1]
    def process_data(self, context, data):
        print("one more", flush=True)

class EndlessAsync(Endless):
    async def process_data(self, context, data):
        print("one more", flush=True)
"""
STREAMING = {"streaming.process": "true"}
SERVICES = ["CPU", "SINGLE_THREAD", "PROCESS"]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("job", ["Counts", "CountsAsync"])
def test_shards_stream_on_their_own(agent: SdkAgent, job: str, service: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(range(3), jobExecutorServiceHandlerType=service, props=STREAMING)
    for item in range(3):
        ended = agent.wait_end(f"t{item}")
        assert ended["success"] is True, ended
        assert agent.text(f"t{item}") == f"{item} [1]\n{item} [2]\n{item} [3]\n"


@pytest.mark.parametrize(
    "job, service", [("Endless", "CPU"), ("Endless", "PROCESS"), ("EndlessAsync", "CPU")]
)
def test_kill_ends_an_endless_stream(agent: SdkAgent, job: str, service: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutorServiceHandlerType=service, props=STREAMING)
    agent.wait_text("t0", "one more")
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"


@pytest.mark.parametrize("job", ["Counts", "CountsAsync"])
def test_daemon_of_a_dataflow_executes_again_and_again(agent: SdkAgent, job: str) -> None:
    agent.start(f"jobs:{job}")
    agent.run(jobExecutionType="DAEMON")
    agent.wait_text("t0", "0 [1]\n0 [2]\n0 [3]\n")
    agent.kill("t0")
    assert agent.wait_end("t0")["state"] == "TASK_KILLED"


def test_daemon_of_type_http_calls_again_and_again(agent: SdkAgent) -> None:
    with HttpRecorder(lambda request: Answer(body=b"ok")) as server:
        agent.start("HTTP", environment={"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"})
        agent.run(jobExecutionType="DAEMON", props={"http.uri": server.url})
        first, second = server.wait_requests(2)[:2]
        agent.kill("t0")
        assert agent.wait_end("t0")["state"] == "TASK_KILLED"
    assert first.headers["shardingcontext"] == second.headers["shardingcontext"]
    assert json.loads(first.headers["shardingcontext"])["taskId"] == "t0"
