"""What a server has after some days of use: jobs that succeed and fail, print in colour, wait, and stay.

world = everyday_world(server, folder)     # once for a server; its agent is real, and so is what it ran
world.routes                               # each page of the console, and what of the data it shows
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.standalone import Standalone
from tests.waiting import wait_for

APP, OK, BAD, COLOURS, WAITS, STAYS, OFF, LONG = (
    "shop",
    "nightly-sums",
    "broken-import",
    "rainbow",
    "too-large",
    "heartbeat",
    "retired",
    "endless",
)
GONE = f"{OK}-gone"
NAMES = (GONE, APP, OK, BAD, COLOURS, WAITS, STAYS, OFF, LONG)
_SCRIPTS = {
    OK: "echo 4711",
    BAD: "echo 4712\necho 'Traceback (most recent call last):' >&2\necho '  File \"/app/x.py\", line 3, in go' >&2\n"
    "echo 'ValueError: 4713' >&2\nexit 3",
    COLOURS: r"printf '\033[31m4714\033[0m \033[1;32m4715\033[0m\n\033[33;44m4716\033[0m\n'",
    STAYS: "echo 4717",
    LONG: "while :; do sleep 1; done",
}
_ENDED = ("SUCCEEDED", "FAILED", "KILLED", "DROPPED")


@dataclass(frozen=True)
class Route:
    """An address of the console, and a text of the data that is seen there in any language."""

    path: str
    shows: str = ""
    """Empty: a page without data."""


@dataclass(frozen=True)
class EverydayWorld:
    """What the pages are about."""

    server: Standalone
    bad_run: int
    long_run: int
    waiting_run: int
    bad_task: str
    colour_task: str
    live_task: str
    agent: str
    host: str

    @property
    def routes(self) -> list[Route]:
        """Give each page of issue 14, with its tabs."""
        return list(self._routes())

    def _routes(self) -> Iterator[Route]:
        yield Route("/", BAD)
        yield Route("/jobs", OK)
        yield Route("/jobs/new")
        yield Route(f"/jobs/{BAD}", APP)
        yield Route(f"/jobs/{LONG}/runs", str(self.long_run))
        yield Route(f"/jobs/{STAYS}", APP)
        yield Route(f"/jobs/{OK}/configuration", APP)
        yield Route(f"/jobs/{OK}/configuration?edit=1")
        yield Route(f"/jobs/{BAD}/history", BAD)
        yield Route("/apps", APP)
        yield Route("/apps/new")
        yield Route(f"/apps/{APP}", OK)
        yield Route("/runs", BAD)
        yield Route(f"/runs/{self.bad_run}", BAD)
        yield Route(f"/runs/{self.waiting_run}", WAITS)
        yield Route("/tasks", LONG)
        yield Route(f"/tasks/{self.bad_task}", "4712")
        yield Route(f"/tasks/{self.colour_task}", "4714")
        yield Route(f"/tasks/{self.live_task}", LONG)
        yield Route("/history", BAD)
        yield Route("/agents", self.agent)
        yield Route(f"/agents/{self.agent}", self.agent)
        yield Route("/schedulers", "127.0.0.1")
        yield Route("/alerts")
        yield Route("/me", "root")
        yield Route("/nowhere")
        yield Route(f"/jobs/{GONE}")


def archive(folder: Path, name: str, scripts: dict[str, str]) -> str:
    """Pack scripts of a local folder, as a person would, and give the archive's address."""
    source = folder / name
    source.mkdir(parents=True)
    for script, text in scripts.items():
        file = source / f"{script}.sh"
        file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        file.chmod(0o755)
    made = folder / f"{name}.tar.gz"
    with tarfile.open(made, "w:gz") as packed:
        for file in sorted(source.iterdir()):
            packed.add(file, file.name)
    return made.as_uri()


def trigger(server: Standalone, name: str) -> int:
    """Start a run, and give its id."""
    answer = server.client.post("/job/trigger", json={"jobName": name})
    assert answer.status_code == 200, answer.text
    return int(answer.headers["X-Run-Id"])


def run_when(server: Standalone, run_id: int, *states: str) -> dict[str, Any]:
    """Wait until a run is in one of the states, and give what the API tells of it."""

    def read() -> dict[str, Any] | None:
        answer: dict[str, Any] = server.call("GET", f"/job/runs/{run_id}")
        return answer if answer["run"]["state"] in states else None

    return wait_for(read, f"run {run_id} is {' or '.join(states)}", 60)


def task_of(server: Standalone, name: str) -> str:
    """Give the newest task of a job, once it is recorded."""
    traces = wait_for(lambda: server.traces(jobName=name), f"a task of {name}")
    return str(traces[-1]["taskId"])


def everyday_world(server: Standalone, folder: Path) -> EverydayWorld:
    """Publish, register and run it all."""
    server.publish(APP, archive(folder, APP, _SCRIPTS))

    def register(name: str, script: str, **fields: Any) -> None:
        server.register(name, APP, props={"script.command.line": f"sh {script}.sh"}, **fields)

    register(OK, OK, shardingTotalCount=4, cron="0 0 3 * * ?", shardingItemParameters="0=1,1=2,2=3,3=4")
    register(BAD, BAD, shardingTotalCount=3)
    register(COLOURS, COLOURS)
    register(WAITS, OK, cpuCount=999)
    register(STAYS, STAYS, jobExecutionType="DAEMON", cron="0/30 * * * * ?")
    register(OFF, OK, disabled=True)
    register(LONG, LONG, shardingTotalCount=2)
    runs = {name: trigger(server, name) for name in (OK, BAD, COLOURS, WAITS, LONG)}
    for name in (OK, BAD, COLOURS):
        run_when(server, runs[name], *_ENDED)
    wait_for(
        lambda: server.call("GET", f"/job/runs/{runs[LONG]}")["run"]["shards"]["running"] == 2,
        "two shards run",
        60,
    )
    (agent,) = server.call("GET", "/operate/agents")
    return EverydayWorld(
        server=server,
        bad_run=runs[BAD],
        long_run=runs[LONG],
        waiting_run=runs[WAITS],
        bad_task=task_of(server, BAD),
        colour_task=task_of(server, COLOURS),
        live_task=task_of(server, LONG),
        agent=agent["id"],
        host=agent["hostname"],
    )
