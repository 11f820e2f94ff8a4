"""The jobs that run while things break: each kind of promise has one that would show it broken."""

import json
import shlex
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

APP = "beat"
_SHARD = Path(__file__).parent / "app" / "shard.py"


@dataclass(frozen=True)
class Job:
    """A job under test. `is_punctual`: it is never busy when it is due, so each of its fires starts at once."""

    name: str
    cron: str
    seconds: float
    shards: int = 1
    failover: bool = False
    misfire: bool = False
    is_script: bool = True
    is_daemon: bool = False
    is_punctual: bool = True

    def body(self, output: Path) -> dict[str, Any]:
        """Give what the API takes to register it."""
        command = f"{shlex.quote(sys.executable)} -IS shard.py"
        return {
            "jobName": self.name,
            "appName": APP,
            "cron": self.cron,
            "timeZone": "UTC",
            "cpuCount": 0.1,
            "memoryMB": 48,
            "jobExecutionType": "DAEMON" if self.is_daemon else "TRANSIENT",
            "shardingTotalCount": self.shards,
            "jobParameter": json.dumps({"directory": str(output), "seconds": self.seconds}),
            "failover": self.failover,
            "misfire": self.misfire,
            "props": {"script.command.line": command} if self.is_script else {},
        }


JOBS = (
    # One shard each second, once at most: the pulse by which lateness is told.
    Job("pulse", "* * * * * ?", 0.2),
    # Makes up what it missed.
    Job("made-up", "0/2 * * * * ?", 0.3, misfire=True),
    # Three shards over the nodes, each at least once.
    Job("spread", "0/2 * * * * ?", 0.9, shards=3, failover=True),
    # Long enough to be under way whatever breaks; busy at most of its due times.
    Job("long", "0/5 * * * * ?", 20.0, shards=2, failover=True, is_punctual=False),
    Job("long-once", "1/5 * * * * ?", 12.0, shards=2, is_punctual=False),
    # In executors: at least once, with all made up; and at most once.
    Job("sdk", "1/2 * * * * ?", 0.4, shards=2, failover=True, misfire=True, is_script=False),
    Job("sdk-once", "0/3 * * * * ?", 1.0, is_script=False),
    # Stays where it is, and beats there each second; is started again wherever it ends.
    Job("daemon", "* * * * * ?", 0.3, is_script=False, is_daemon=True),
)
TRIGGERED = Job("triggered", "", 0.1, failover=True)


def pack_app(archive: Path) -> None:
    """Write the app's archive."""
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(_SHARD, "shard.py")


def app_body(archive: Path) -> Mapping[str, Any]:
    """Give what the API takes to publish the app."""
    return {
        "appName": APP,
        "appURL": archive.as_uri(),
        "bootstrapScript": f"{shlex.quote(sys.executable)} -m elasticjob_cloud shard:beat",
        "cpuCount": 0.1,
        "memoryMB": 128,
        "appCacheEnable": True,
    }
