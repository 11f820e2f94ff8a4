"""A job that has fired for the last time can still be edited, on a real scheduler."""

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.cli.main import main
from tests.acceptance.standalone import Standalone
from tests.integration.apps.app_servers import http_app_server
from tests.waiting import wait_for


def register_once(server: Standalone) -> str:
    """Register a job that fires once, in a moment; a slow machine may need more than one attempt."""

    waits = itertools.count(3, 4)

    def attempt() -> str:
        moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=next(waits))
        cron = f"{moment:%-S %-M %-H %-d %-m} ? {moment:%Y}"
        job = {"jobName": "once", "appName": "once", "jobExecutionType": "TRANSIENT", "shardingTotalCount": 1}
        schedule = {"cron": cron, "timeZone": "UTC", "props": {"script.command.line": "./once.sh"}}
        answer = server.client.post(
            "/job/register", json={**job, **schedule, "cpuCount": 0.05, "memoryMB": 32}
        )
        return cron if answer.status_code == 200 else ""

    return wait_for(attempt, "the job is registered before its only fire")


def test_job_whose_cron_is_spent_can_be_edited_by_api_and_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with (
        http_app_server() as apps,
        Standalone(tmp_path / "data", "--cpus", "4") as server,
    ):
        server.publish_script(apps, "once", "true")
        cron = register_once(server)
        server.ended("once", 1, seconds=40)

        given: dict[str, Any] = server.call("GET", "/job/jobs/once")
        assert server.call("PUT", "/job/update", given) is True
        assert server.call("PUT", "/job/update", {**given, "timeZone": None}) is True
        with pytest.raises(SystemExit) as end:
            main(["job", "update", "once", "--description", "done", "--url", server.url])
        assert end.value.code == 0
        server.call("POST", "/job/once/disable")
        server.call("POST", "/job/once/enable")

        kept = server.call("GET", "/job/jobs/once")
        assert (kept["cron"], kept["description"]) == (cron, "done")
        refused = server.client.put("/job/update", json={**kept, "timeZone": "Asia/Shanghai"})
        assert refused.status_code == 400
        assert [error["field"] for error in refused.json()["errors"]] == ["cron"]
