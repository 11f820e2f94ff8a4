"""A job that fails is told to people once, and so is its recovery, whatever happens to the scheduler in between."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.apps import tar_gz
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import http_app_server
from tests.integration.sdk.notification_servers import Answer, HttpRecorder, Received, SmtpRecorder
from tests.waiting import wait_for

_PYTHON_JOB = """
from pathlib import Path
from elasticjob_cloud import ShardingContext, SimpleJob

class Report(SimpleJob):
    def execute(self, context: ShardingContext) -> None:
        if Path({flag!r}).exists():
            raise RuntimeError("the ledger is closed")
"""
_SCRIPT = """#!/bin/sh
if [ -e {flag} ]; then echo "FATAL: quota exceeded" >&2; exit 3; fi
"""
_JOBS = {"python-report": "RuntimeError: the ledger is closed", "script-report": "FATAL: quota exceeded"}


class _Robot:
    """Refuses all messages until it is told to take them."""

    def __init__(self) -> None:
        self.takes = False

    def __call__(self, _: Received) -> Answer:
        return Answer(body=b'{"errcode": 0}') if self.takes else Answer(503, b"busy")


@pytest.fixture
def robot() -> _Robot:
    return _Robot()


@pytest.fixture
def hook() -> Iterator[HttpRecorder]:
    with HttpRecorder(lambda _: Answer(body=b"ok")) as server:
        yield server


@pytest.fixture
def dingtalk(robot: _Robot) -> Iterator[HttpRecorder]:
    with HttpRecorder(robot) as server:
        yield server


@pytest.fixture
def mail() -> Iterator[SmtpRecorder]:
    with SmtpRecorder() as server:
        yield server


def test_failures_and_recoveries_arrive_once_through_a_crash_of_the_scheduler(
    tmp_path: Path, hook: HttpRecorder, dingtalk: HttpRecorder, mail: SmtpRecorder, robot: _Robot
) -> None:
    flag = tmp_path / "broken"
    flag.touch()
    settings = {"PUBLIC_URL": "https://jobs.example"}
    with http_app_server() as apps, Standalone(tmp_path / "data", settings=settings) as server:
        apps.serve_body("/python.tar.gz", tar_gz({"job.py": _PYTHON_JOB.format(flag=str(flag))}))
        apps.serve_body("/script.sh", _SCRIPT.format(flag=flag).encode())
        _set_channels(server, hook, dingtalk, mail)
        server.publish(
            "python-report",
            apps.url("/python.tar.gz"),
            bootstrapScript="python -m elasticjob_cloud job:Report",
        )
        server.publish("script-report", apps.url("/script.sh"))
        server.register("python-report", "python-report")
        server.register("script-report", "script-report", props={"script.command.line": "./script.sh"})

        _trigger_all(server, 1)
        _wait_for_alerts(server, {"FIRING"})
        assert {alert["jobName"] for alert in server.call("GET", "/overview")["alerts"]} == set(_JOBS)
        server.kill()
        robot.takes = True
        server.start()
        flag.unlink()
        _trigger_all(server, 2)
        _wait_for_alerts(server, {"RESOLVED"})

        wait_for(lambda: _are_delivered(server), "all deliveries are made")
        wait_for(lambda: _delivered_of(server) >= 6, "the recoveries at three channels are counted")
        _check_hook(hook)
        _check_texts({_text_of(request) for request in dingtalk.requests})
        _check_texts({message.as_string() for message in mail.wait_messages(4)})


def _delivered_of(server: Standalone) -> float:
    """How many deliveries the present process has made, by its metrics."""
    sought = 'elasticjob_alert_deliveries_total{state="DELIVERED"} '
    lines = server.client.get(server.url + "/metrics").text.splitlines()
    return next((float(line.removeprefix(sought)) for line in lines if line.startswith(sought)), 0.0)


def _set_channels(server: Standalone, hook: HttpRecorder, dingtalk: HttpRecorder, mail: SmtpRecorder) -> None:
    channels: dict[str, dict[str, Any]] = {
        "hook": {"type": "webhook", "url": hook.url + "/in"},
        "ding": {"type": "dingtalk", "url": dingtalk.url + "/robot/send?access_token=t"},
        "post": {
            "type": "mail",
            "host": "127.0.0.1",
            "port": mail.port,
            "tls": "none",
            "from": "jobs@example.org",
            "to": ["ops@example.org"],
        },
    }
    for name, channel in channels.items():
        server.call("PUT", f"/alert/channels/{name}", channel)
    server.call("PUT", "/alert/rules/global", {"channels": list(channels), "groupSeconds": 0})


def _trigger_all(server: Standalone, runs: int) -> None:
    for name in _JOBS:
        server.call("POST", "/job/trigger", name)
    for name in _JOBS:
        server.ended(name, runs)


def _failures(server: Standalone) -> list[dict[str, Any]]:
    alerts: list[dict[str, Any]] = server.call("GET", "/alert/events")["rows"]
    return [alert for alert in alerts if alert["condition"] == "RUN_FAILED"]


def _wait_for_alerts(server: Standalone, states: set[str]) -> None:
    def are_there() -> bool:
        alerts = _failures(server)
        return len(alerts) == len(_JOBS) and {alert["state"] for alert in alerts} == states

    wait_for(are_there, f"the alerts are {states}")
    for alert in _failures(server):
        assert _JOBS[alert["jobName"]] in alert["summary"], alert


def _are_delivered(server: Standalone) -> bool:
    deliveries = server.call("GET", "/alert/deliveries")["rows"]
    states = Counter(delivery["state"] for delivery in deliveries)
    assert not states["FAILED"], deliveries
    return states["DELIVERED"] >= 3 * 2 * len(_JOBS) and not states["PENDING"]


def _check_hook(hook: HttpRecorder) -> None:
    messages = {request.headers["webhook-id"]: json.loads(request.body) for request in hook.requests}
    told = Counter((it["kind"], alert["jobName"]) for it in messages.values() for alert in it["alerts"])
    assert told == dict.fromkeys(((kind, name) for kind in ("FIRE", "RESOLVE") for name in _JOBS), 1)
    for message in messages.values():
        for alert in message["alerts"]:
            assert _JOBS[alert["jobName"]] in alert["summary"]
            assert alert["link"] == f"https://jobs.example/runs/{alert['runId']}"


def _text_of(request: Received) -> str:
    return str(json.loads(request.body)["text"]["content"])


def _check_texts(texts: set[str]) -> None:
    """Each text that differs is a message: one of the failure, and one of the recovery, for each job."""
    for name, summary in _JOBS.items():
        of_job = [text for text in texts if name in text]
        assert len(of_job) == 2, of_job
        assert sum(summary in text for text in of_job) == 1, of_job
