"""The app of examples/python on a real server: every kind of job, from its registration to its output."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.checkout import ROOT
from tests.integration.apps.app_servers import HttpAppServer, http_app_server
from tests.integration.sdk.notification_servers import Answer, HttpRecorder, Received
from tests.waiting import wait_for

EXAMPLE = ROOT / "examples/python"
DIRECT = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    files = {name: (EXAMPLE / name).read_text() for name in ("shop.py", "start.sh")}
    with http_app_server() as apps, pytest.MonkeyPatch.context() as environment:
        for name, value in DIRECT.items():
            environment.setenv(name, value)
        apps.serve_body("/shop.tar.gz", tar_gz(files))
        with Standalone(tmp_path_factory.mktemp("sdk") / "data", "--cpus", "4") as server:
            publish(server, apps)
            yield server


def publish(server: Standalone, apps: HttpAppServer) -> None:
    server.publish("shop", apps.url("/shop.tar.gz"), bootstrapScript="./start.sh", memoryMB=128)


@pytest.mark.slow
def test_dataflow_streams_until_nothing_is_left(standalone: Standalone, tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.order").touch()
    standalone.register(
        "ship_orders",
        "shop",
        shardingTotalCount=2,
        jobParameter=str(tmp_path),
        props={"streaming.process": "true"},
    )
    standalone.call("POST", "/job/trigger", "ship_orders")
    ends = standalone.ended("ship_orders", 2)
    assert [row["state"] for row in ends] == ["TASK_FINISHED"] * 2
    assert len(list(tmp_path.glob("*.shipped"))) == 12
    assert "ships" in "".join(standalone.output(row["taskId"]) for row in ends)


def test_http_job_calls_its_service_and_its_failure_is_recorded_and_told(standalone: Standalone) -> None:
    def answer(request: Received) -> Answer:
        item = json.loads(request.headers.get("shardingcontext", "{}")).get("shardingItem")
        return Answer(404 if item == 1 else 200, b"done\n")

    with HttpRecorder(answer) as server:
        standalone.register(
            "call_a_service",
            "shop",
            shardingTotalCount=3,
            jobErrorHandlerType="WEBHOOK",
            props={"http.uri": f"{server.url}/service", "webhook.url": f"{server.url}/hook"},
        )
        standalone.call("POST", "/job/trigger", "call_a_service")
        ends = standalone.ended("call_a_service", 3)
        server.wait_requests(4)
    assert {row["state"] for row in ends} == {"TASK_FINISHED"}
    assert {standalone.output(row["taskId"]) for row in ends} == {"done\n"}
    (hook,) = [request for request in server.requests if request.path == "/hook"]
    assert json.loads(hook.body)["shardingItem"] == 1
    failed = wait_for(lambda: failures(standalone, "call_a_service"), "the failed execution")
    assert "was answered with 404" in failed[0]["failureCause"]


def failures(standalone: Standalone, job_name: str) -> list[dict[str, Any]]:
    query = {"jobName": job_name, "isSuccess": "false"}
    rows: list[dict[str, Any]] = standalone.client.get("/job/events/executions", params=query).json()["rows"]
    return rows


def test_daemon_job_of_the_sdk_runs_by_its_cron(standalone: Standalone) -> None:
    standalone.register(
        "count_orders",
        "shop",
        jobExecutionType="DAEMON",
        cron="* * * * * ?",
        shardingItemParameters="0=Beijing",
    )
    begun = wait_for(lambda: executions_begun(standalone)[1:], "two executions")
    assert "Beijing: 3 orders, 49 yuan" in standalone.output(begun[0]["taskId"])
    standalone.call("DELETE", "/job/deregister", "count_orders")
    ends = standalone.ended("count_orders")
    assert ends[-1]["state"] == "TASK_KILLED"


def executions_begun(standalone: Standalone) -> list[dict[str, Any]]:
    return [row for row in standalone.traces(jobName="count_orders") if row["message"] == "BEGIN"]
