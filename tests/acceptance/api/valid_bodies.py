"""Bodies that the API accepts, and who is to blame where it does not."""

from typing import Any

import httpx

APP: dict[str, Any] = {
    "appName": "my_app",
    "appURL": "http://app_host:8080/my-job.tar.gz",
    "bootstrapScript": "bin/start.sh",
}

JOB: dict[str, Any] = {
    "appName": "my_app",
    "jobName": "my_job",
    "cpuCount": 0.1,
    "memoryMB": 64.0,
    "jobExecutionType": "TRANSIENT",
    "cron": "0/5 * * * * ?",
    "shardingTotalCount": 5,
}


def assert_blames(answer: httpx.Response, field: str) -> None:
    assert answer.status_code == 400, answer.text[:500]
    body = answer.json()
    assert [error["field"] for error in body["errors"]] == [field], body
    assert all(error["message"] for error in body["errors"])
    assert field in body["message"]
    assert len(answer.content) < 4096
    assert "Traceback" not in answer.text
