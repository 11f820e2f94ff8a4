"""A scheduler's process that is asked to end before it is up, and asked again while it ends."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from elasticjob_cloud.engine.contract import EventSink
from elasticjob_cloud.server import build_server
from elasticjob_cloud.settings.scheduler import SchedulerSettings
from elasticjob_cloud.store import SqlStore
from tests.integration.service.instant_engine import InstantEngine

pytestmark = pytest.mark.slow
_SECONDS = 30


class SlowEngine(InstantEngine):
    """Takes a while to start and to stop, and says when it does."""

    async def start(self, epoch: int, known_agents: frozenset[str], sink: EventSink) -> None:
        print("the engine starts", flush=True)
        await asyncio.sleep(1)
        await super().start(epoch, known_agents, sink)

    async def stop(self) -> None:
        print("the engine stops", flush=True)
        await asyncio.sleep(1)
        await super().stop()


def serve(data_dir: str) -> None:
    """Serve until a signal."""
    settings = SchedulerSettings(data_dir=Path(data_dir), port=0, time_zone="UTC", lease_seconds=60)
    build_server(settings, engine=SlowEngine()).run()


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"it ended before it said: {text}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_scheduler_that_is_asked_to_end_while_it_starts_gives_the_lead_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = f"from {__name__} import serve; serve({str(tmp_path)!r})"
    with subprocess.Popen(
        [sys.executable, "-c", command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as process:
        try:
            wait_for_line(process, "the engine starts")
            process.send_signal(number)
            wait_for_line(process, "the engine stops")
            process.send_signal(number)
            assert process.wait(_SECONDS) == 0
        finally:
            process.kill()

    store = SqlStore(f"sqlite:///{tmp_path}/elasticjob.db")
    store.migrate()
    assert store.acquire_lease("next", "http://127.0.0.1:1", 1) == 2
    store.close()
