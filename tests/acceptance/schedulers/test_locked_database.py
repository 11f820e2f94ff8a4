"""A database that another program has locked: what was and what was printed can be read, and the log stays short."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.standalone import Standalone
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def test_history_and_output_are_read_while_the_database_is_locked_for_longer_than_the_lease(
    tmp_path: Path,
) -> None:
    script = tmp_path / "app.sh"
    script.write_text("#!/bin/sh\necho hello\n")
    with Standalone(tmp_path / "data", settings={"LEASE_SECONDS": "1"}) as server:
        server.publish("app", script.as_uri())
        server.register("job", "app", props={"script.command.line": "./app.sh"})
        server.call("POST", "/job/trigger", "job")
        (end,) = server.ended("job")
        log_before = server.log.read_text()

        with locked(tmp_path / "data" / "elasticjob.db"):
            server.client.post(f"{server.url}/api/job/trigger", json="job", timeout=60)
            wait_for(
                lambda: server.client.get(f"{server.url}/readyz").status_code == 503,
                "it is out of office",
                seconds=60,
            )
            began = time.monotonic()
            while time.monotonic() - began < 4:  # leases
                rows = server.call("GET", "/job/events/executions?jobName=job")["rows"]
                assert [row["taskId"] for row in rows] == [end["taskId"]]
                assert server.output(end["taskId"]).startswith("hello")
        log = server.log.read_text().removeprefix(log_before)
        assert "is locked by another process" in log
        assert "Traceback" not in log
        assert len(log.splitlines()) < 10  # it asks four times a second
        wait_for(
            lambda: server.client.get(f"{server.url}/readyz").status_code == 200, "it leads again", seconds=60
        )
