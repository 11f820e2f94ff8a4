"""Script jobs that the pages of jobs and runs show: they end well, badly, or not before they are told."""

from pathlib import Path
from typing import Any

from tests.acceptance.standalone import Standalone
from tests.waiting import wait_for

# Shard 1 fails until the file `fixed` is there, as a job would that somebody has fixed.
FAILS_IN_SHARD_1 = """
echo "begin of shard $ELASTICJOB_SHARDING_ITEM"
[ "$ELASTICJOB_SHARDING_ITEM" != 1 ] || [ -f {folder}/fixed ] || {{ echo "FATAL: quota exceeded" >&2; exit 3; }}
"""
RUNS_UNTIL_TOLD = "while [ ! -f {folder}/go ]; do sleep 0.05; done"
ENDED = ("SUCCEEDED", "FAILED", "KILLED", "DROPPED")


def register_script(server: Standalone, folder: Path, name: str, script: str, **fields: Any) -> None:
    """Publish a script as an app, and register a job of the same name that runs it."""
    file = folder / f"{name}.sh"
    file.write_text(f"#!/bin/sh\n{script.format(folder=folder)}\n", encoding="utf-8")
    file.chmod(0o755)
    server.publish(name, file.as_uri())
    server.register(name, name, props={"script.command.line": f"./{name}.sh"}, **fields)


def trigger(server: Standalone, name: str) -> int:
    """Start a run, and give its id."""
    answer = server.client.post("/job/trigger", json={"jobName": name})
    assert answer.status_code == 200, answer.text
    return int(answer.headers["X-Run-Id"])


def runs_of(server: Standalone, name: str) -> list[dict[str, Any]]:
    """Give a job's runs, the newest first."""
    rows: list[dict[str, Any]] = server.call("GET", f"/job/runs?jobName={name}")["rows"]
    return rows


def run_of(server: Standalone, run_id: int) -> dict[str, Any]:
    """Give one run."""
    run: dict[str, Any] = server.call("GET", f"/job/runs/{run_id}")["run"]
    return run


def ended_run(server: Standalone, run_id: int) -> dict[str, Any]:
    """Wait until a run has ended, and give it."""
    return wait_for(
        lambda: run if (run := run_of(server, run_id))["state"] in ENDED else None, f"run {run_id} ends", 30
    )


def running_run(server: Standalone, run_id: int) -> None:
    """Wait until a run is under way."""
    wait_for(lambda: run_of(server, run_id)["shards"]["running"] > 0, f"run {run_id} runs", 30)
