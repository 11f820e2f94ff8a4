"""A real standalone server: its own process, data directory and port, ended or killed as a test likes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx

from tests.forks import ForkedCommand
from tests.http_client import http_client
from tests.integration.apps.app_servers import HttpAppServer
from tests.processes import is_alive
from tests.waiting import wait_for

_START_SECONDS = 30.0
_Start = Callable[[Sequence[str], Mapping[str, str], Path], "ForkedCommand | subprocess.Popen[bytes]"]


class Standalone:
    """`elasticjob-cloud standalone` on a free port of loopback, with `--no-auth` unless told otherwise.

    It is a fork of a process that has imported it, unless `is_forked` is false: then it is the program as users start it.
    """

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        auth: bool = False,
        settings: dict[str, str] | None = None,
        is_forked: bool = True,
        time_zone: str | None = "UTC",
    ) -> None:
        self.data_dir = data_dir
        self._start: _Start = ForkedCommand if is_forked else _start_program
        self._settings = {} if time_zone is None else {"ELASTICJOB_TIME_ZONE": time_zone}
        self._settings |= {f"ELASTICJOB_{name}": value for name, value in (settings or {}).items()}
        self._options = (*options, *(() if auth else ("--no-auth",)))
        self._port = 0
        self.log = data_dir.parent / f"{data_dir.name}.log"
        self.process: ForkedCommand | subprocess.Popen[bytes] | None = None
        self.client = http_client(timeout=20)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.stop()
        self._end_agent()

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it has an agent. After the first start the port stays the same."""
        self.process = self._start(
            ["standalone", "--port", str(self._port), "--data-dir", str(self.data_dir), *self._options],
            {**os.environ, **self._settings},
            self.log,
        )
        if self._port == 0:
            self._port = wait_for(self._read_port, "the server's address", _START_SECONDS)
        self.client.base_url = httpx.URL(self.url + "/api")
        wait_for(self._is_ready, "the server is ready", _START_SECONDS)

    def kill(self) -> None:
        """End the scheduler as a crash would; its agent lives on."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end, and give its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API, and give its answer; it must be 200."""
        content = None if body is None else body if isinstance(body, str) else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        answer = self.client.request(method, path, content=content, headers=headers)
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def publish(self, name: str, url: str, **fields: Any) -> None:
        """Publish an app with little memory and CPU."""
        app = {"appName": name, "appURL": url, "bootstrapScript": "true", "cpuCount": 0.1, "memoryMB": 64}
        self.call("POST", "/app", {**app, **fields})

    def publish_script(self, apps: HttpAppServer, name: str, script: str) -> None:
        """Serve a shell script and publish it as an app of that name."""
        apps.serve_body(f"/{name}.sh", f"#!/bin/sh\n{script}\n".encode())
        self.publish(name, apps.url(f"/{name}.sh"))

    def register_script(self, name: str, **fields: Any) -> None:
        """Register a job that runs the script that was published under its name."""
        self.register(name, name, props={"script.command.line": f"./{name}.sh"}, **fields)

    def register(self, name: str, app_name: str, **fields: Any) -> None:
        """Register a transient job of one small shard, without a cron."""
        job = {
            "jobName": name,
            "appName": app_name,
            "cpuCount": 0.05,
            "memoryMB": 32,
            "jobExecutionType": "TRANSIENT",
            "shardingTotalCount": 1,
        }
        self.call("POST", "/job/register", {**job, **fields})

    def traces(self, **filters: Any) -> list[dict[str, Any]]:
        """Give status traces, the oldest first."""
        query = {"per_page": 1000, "sort": "creationTime", "order": "ASC", **filters}
        rows: list[dict[str, Any]] = self.client.get("/job/events/statusTraces", params=query).json()["rows"]
        return rows

    def ended(self, job_name: str, count: int = 1, seconds: float = 20.0) -> list[dict[str, Any]]:
        """Wait until so many tasks of a job have ended, and give their last traces."""

        def read() -> list[dict[str, Any]]:
            ends = [row for row in self.traces(jobName=job_name) if row["state"] not in _LIVE]
            return ends if len(ends) >= count else []

        return wait_for(read, f"{count} tasks of {job_name} end", seconds)

    def output(self, task_id: str, stream: str = "stdout") -> str:
        """Read a task's output through the API."""
        return str(self.call("GET", f"/job/tasks/{task_id}/log?stream={stream}&limit=100000")["content"])

    def agent_pid(self) -> int:
        """Give the process id of the agent that lives in the data directory, or 0."""
        try:
            return int(json.loads((self.data_dir / "agent" / "agent.json").read_text())["pid"])
        except (OSError, ValueError):
            return 0

    def _read_port(self) -> int:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
        found = re.search(r"serves at http://127\.0\.0\.1:(\d+)", self.log.read_text())
        return int(found[1]) if found else 0

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"it ended: {self.log.read_text()}"
        try:
            return self.client.get(self.url + "/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _end_agent(self) -> None:
        pid = self.agent_pid()
        if pid and is_alive(pid):
            os.kill(pid, signal.SIGTERM)
            wait_for(lambda: not is_alive(pid), "the agent ends", 30)


def _start_program(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "elasticjob_cloud.entry", *arguments],
            stdout=output,
            stderr=output,
            env=environment,
        )


_LIVE = {"TASK_STAGING", "TASK_RUNNING"}
