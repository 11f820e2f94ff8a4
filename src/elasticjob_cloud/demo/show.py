"""Publishes the demo app through the REST API, and shows the tasks of all jobs as they come and go."""

import asyncio
import io
import json
import shlex
import shutil
import sys
import tarfile
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any, TextIO

import httpx
from rich.console import Console
from rich.markup import escape

from elasticjob_cloud.model.records import Changes, StatusTrace
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.settings.scheduler import SchedulerSettings, default_data_dir

_APP = "demo-app"
_STYLES = {
    TaskState.FINISHED: "green",
    TaskState.FAILED: "red",
    TaskState.ERROR: "red",
    TaskState.LOST: "red",
    TaskState.KILLED: "yellow",
    TaskState.DROPPED: "yellow",
}
_JOBS: tuple[dict[str, Any], ...] = (
    {
        "jobName": "demo-script",
        "cron": "0/5 * * * * ?",
        "shardingTotalCount": 3,
        "shardingItemParameters": "0=Beijing,1=Shanghai,2=Guangzhou",
        "props": {"script.command.line": "./greet.sh"},
        "description": "A shell script, 3 shards every 5 seconds.",
    },
    {
        "jobName": "demo-python",
        "cron": "2/10 * * * * ?",
        "shardingTotalCount": 2,
        "shardingItemParameters": "0=north,1=south",
        "misfire": True,
        "failover": True,
        "description": "A Python job through the SDK, 2 shards every 10 seconds.",
    },
    {
        "jobName": "demo-upload",
        "cron": "4/20 * * * * ?",
        "shardingTotalCount": 1,
        "shardingItemParameters": "0=Shenzhen",
        "props": {"script.command.line": "./upload.sh"},
        "description": "A shell script that fails now and then, every 20 seconds.",
    },
)


class Demo:
    """One showing: what it prints goes to `stream`, in colour on a terminal only.

    `where_of` gives the name of an agent's machine, by the agent's id; a demo on one machine needs none.
    """

    def __init__(
        self, settings: SchedulerSettings, stream: TextIO, where_of: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._settings = settings
        self._where_of = where_of
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._url = ""
        self._program = sys.argv[0]
        self._started_ms: dict[str, int] = {}
        self._ended_count = 0

    @staticmethod
    def default_data_dir() -> Path:
        """Give where the demo keeps its data, apart from a real scheduler's."""
        return default_data_dir().with_name("elasticjob-cloud-demo")

    def greet(self, url: str) -> None:
        """Say what is about to happen."""
        self.use(url)
        self._console.print(f"[bold]ElasticJob-Cloud[/bold] serves at {url}/api (its calls: {url}/api/docs)")
        self._console.print(f"open [bold]{url}/[/bold] in a browser for the console{self._shown_login()}")
        self._console.print(f"data in {self._settings.data_dir}; Ctrl-C stops it\n")

    def use(self, url: str, program: str = "") -> None:
        """Take the scheduler at `url`; `program` is how to call the command line, by default as this one was."""
        self._url = url
        self._program = program or sys.argv[0]

    async def begin(self) -> None:
        """Publish the app and register its jobs, as any user would."""
        archive = self._settings.data_dir / "demo-app.tar.gz"
        await asyncio.to_thread(_pack_app, archive)
        async with httpx.AsyncClient(base_url=self._url + "/api", trust_env=False, timeout=30) as client:
            await self._log_in(client)
            await self._put(client, "app", "app", _app(archive))
            for job in _JOBS:
                await self._put(client, "job/register", "job/update", _job(job))
        self._console.print("The app [bold]demo-app[/bold] is published, with three jobs:")
        for job in _JOBS:
            self._console.print(f"  [bold]{job['jobName']}[/bold]  {job['cron']}  {job['description']}")
        self._console.print("")

    def show_changes(self, changes: Changes) -> None:
        """Print a line for each task that started or ended."""
        for trace in changes.status_traces:
            self.show_trace(trace)

    def show_trace(self, trace: StatusTrace) -> None:
        """Print a line if the task started or ended."""
        state = TaskState(trace.state)
        if state is TaskState.RUNNING:
            self._started_ms[trace.task_id] = trace.creation_ms
            self._print_task(trace, "started")
        elif state.is_terminal:
            self._show_end(trace, state)

    def say(self, line: str) -> None:
        """Print a line with the time before it."""
        self._print_at(time.time_ns() // 1_000_000, line)

    def _show_end(self, trace: StatusTrace, state: TaskState) -> None:
        end = trace.attempt_end
        style, word = _STYLES[state], state.value.removeprefix("TASK_").lower()
        if state is TaskState.FINISHED and end is not None and not end.success:
            style, word = "red", "failed"  # job code raised
        # The message of a failure goes on for lines, with what was printed.
        reason = escape(trace.message.partition("\n")[0] if end is None else end.summary)
        started_ms = self._started_ms.pop(trace.task_id, None)
        after = "" if started_ms is None else f" after {(trace.creation_ms - started_ms) / 1000:.2f} s"
        self._print_task(trace, f"[{style}]{word}[/{style}]{after}  {reason}".rstrip())
        self._ended_count += 1
        if self._ended_count == _JOBS[0]["shardingTotalCount"]:
            self._suggest(trace)

    def _print_task(self, trace: StatusTrace, what: str) -> None:
        name = f"{trace.job_name} shard {trace.sharding_item}"
        where = self._where_of(trace.slave_id)
        self._print_at(trace.creation_ms, f"{name:<22} {where + '  ' if where else ''}{what}")

    def _print_at(self, now_ms: int, line: str) -> None:
        clock = time.strftime("%H:%M:%S", time.localtime(now_ms / 1000))
        self._console.print(f"{clock}.{now_ms % 1000:03d}  {line}")

    def _suggest(self, trace: StatusTrace) -> None:
        self._console.print("\n[bold]What to do next[/bold], in another terminal:")
        header = ""
        if not self._settings.no_auth:
            header = '-H "accessToken: $TOKEN" '
            login = (
                f"TOKEN=$(curl -s -H 'Content-Type: application/json' {self._url}/api/login "
                f"""-d {self._suggested_login()} | cut -d'"' -f4)"""
            )
            self._console.print(f"  {login}", markup=False)
        for line in (
            f"curl -s {header}{self._url}/api/job/jobs",
            f"curl -s {header}'{self._url}/api/job/tasks/{trace.task_id}/log'",
            f"curl -s {header}{self._url}/api/alert/events",
            f"curl -s {header}-H 'Content-Type: application/json' -X POST -d 'demo-script' {self._url}/api/job/trigger",
            self._suggested_command(),
        ):
            self._console.print(f"  {line}", markup=False)
        self._console.print("")

    def _shown_login(self) -> str:
        if self._settings.no_auth:
            return ""
        user = escape(self._settings.admin_username)
        if self._has_default_password():
            return (
                f", and log in as {user} with the password {self._settings.admin_password.get_secret_value()}"
            )
        return f", and log in as {user}"

    def _has_default_password(self) -> bool:
        default: object = SchedulerSettings.model_fields["admin_password"].default
        return self._settings.admin_password == default

    def _suggested_login(self) -> str:
        # A secret password is not shown on a terminal; everybody knows the default one.
        is_default = self._has_default_password()
        password = self._settings.admin_password.get_secret_value() if is_default else "YOUR-PASSWORD"
        login = {"username": self._settings.admin_username, "password": password}
        return shlex.quote(json.dumps(login, separators=(",", ":"), ensure_ascii=False))

    def _suggested_command(self) -> str:
        # `make run` calls the command by its path in .venv, which the other terminal need not have in its PATH.
        program = "elasticjob-cloud" if shutil.which("elasticjob-cloud") else shlex.quote(self._program)
        if self._settings.no_auth:
            return f"{program} job list --url {self._url}"
        user = shlex.quote(self._settings.admin_username)
        return f"{program} login --url {self._url} --username {user}, then: {program} job list"

    async def _log_in(self, client: httpx.AsyncClient) -> None:
        if self._settings.no_auth:
            return
        password = self._settings.admin_password.get_secret_value()
        login = {"username": self._settings.admin_username, "password": password}
        answer = await client.post("/login", json=login)
        answer.raise_for_status()
        client.headers["accessToken"] = answer.json()["accessToken"]

    async def _put(
        self, client: httpx.AsyncClient, create: str, update: str, payload: dict[str, Any]
    ) -> None:
        answer = await client.post(f"/{create}", json=payload)
        if answer.status_code == httpx.codes.CONFLICT and create != update:
            answer = await client.put(f"/{update}", json=payload)
        if answer.status_code not in {httpx.codes.OK, httpx.codes.CONFLICT}:
            self._console.print(f"[red]{create}: {answer.text}[/red]")


def _app(archive: Path) -> dict[str, Any]:
    return {
        "appName": _APP,
        "appURL": archive.as_uri(),
        "bootstrapScript": "python -m elasticjob_cloud demo-python=jobs:ReportJob",
        "cpuCount": 0.1,
        "memoryMB": 128,
    }


def _job(fields: dict[str, Any]) -> dict[str, Any]:
    common = {"appName": _APP, "cpuCount": 0.1, "memoryMB": 64, "jobExecutionType": "TRANSIENT"}
    return {**common, **fields}


def _pack_app(archive: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for entry in sorted(resources.files("elasticjob_cloud.demo").joinpath("app").iterdir(), key=str):
            if entry.name.startswith("__"):
                continue
            content = entry.read_bytes()
            info = tarfile.TarInfo(entry.name)
            info.size = len(content)
            info.mode = 0o755 if entry.name.endswith(".sh") else 0o644
            tar.addfile(info, io.BytesIO(content))
    archive.write_bytes(buffer.getvalue())
