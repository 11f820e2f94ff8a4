"""Measure what open consoles cost: lateness and processor time with 50 of them, and with none.

    PYTHONPATH=. .venv/bin/python benchmarks/bench_console.py [--consoles 50] [--due 17] [--jobs 2000] [--seconds 20]
        [--rounds 5]

A whole standalone server with that many jobs, of which `--due` run each second (17: 1,020 fires a minute). Each console
asks `/api/changes` every second. When something has changed it asks for the first page's figures, a page of jobs and a
page of runs, with the `ETag` that it has, as a browser does. It is measured in turns, without and with consoles.
Lateness is from the due time to the first line of job code, which includes the commit.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import sqlite3
import statistics
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench_job_list import fill, show
from tests.acceptance.standalone import Standalone

_APP = "def run(context):\n    pass\n"
_VIEWS = (
    "/api/overview",
    "/api/job/jobs?page=1&per_page=50&sort=lastRun&order=desc",
    "/api/job/runs?limit=50",
)
_LARGEST_BYTES = 200_000


class Console:
    """One open page: a connection that is kept, and the tags of what is on screen."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tags: dict[str, str] = {}
        self.counts = {"changes": 0, "views": 0, "not modified": 0, "refused": 0}
        self.largest = 0
        self.taken: list[float] = []

    async def look(self, begin: float, until: float) -> None:
        """Open the page, and ask each second; what comes from `begin` on is counted."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        revision = json.loads(await self._get("/api/changes", "changes"))["revision"]
        await asyncio.sleep(random.random())
        while time.time() < until:
            if time.time() < begin:
                self.counts, self.taken = dict.fromkeys(self.counts, 0), []
            started = time.monotonic()
            changes = json.loads(await self._get(f"/api/changes?since={revision}", "changes"))
            revision = changes["revision"]
            if changes["topics"]:
                for view in _VIEWS:
                    began = time.monotonic()
                    await self._get(view, "views")
                    self.taken.append((time.monotonic() - began) * 1000)
            await asyncio.sleep(max(0.0, started + 1 - time.monotonic()))
        self._writer.close()

    async def _get(self, path: str, kind: str) -> bytes:
        tag = self._tags.get(path)
        condition = f"If-None-Match: {tag}\r\n" if tag else ""
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{condition}\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        status = head.split(" ", 2)[1]
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        self.counts[kind] += 1
        self.counts["not modified"] += status == "304"
        self.counts["refused"] += status == "503"
        assert status in {"200", "304", "503"}, head
        self.largest = max(self.largest, len(body))
        if "etag" in headers:
            self._tags[path] = headers["etag"]
        return body


def look_on(
    port: int, consoles: int, begin: float, until: float, results: "multiprocessing.Queue[dict[str, Any]]"
) -> None:
    """Have so many consoles look for a time, and tell what they saw."""
    os.nice(10)  # they stand on other machines

    async def look() -> None:
        opened = [Console(port) for _ in range(consoles)]
        await asyncio.gather(*(console.look(begin, until) for console in opened))
        results.put(
            {
                "counts": {
                    name: sum(console.counts[name] for console in opened) for name in opened[0].counts
                },
                "largest": max(console.largest for console in opened),
                "taken": [taken for console in opened for taken in console.taken],
            }
        )

    asyncio.run(look())


def measure(
    server: Standalone, consoles: int, seconds: float
) -> tuple[list[float], float, dict[str, Any] | None]:
    """Give the lateness of the runs of a time in milliseconds, the scheduler's processor share, and what consoles saw."""
    assert server.process is not None
    scheduler = psutil.Process(server.process.pid)
    results: multiprocessing.Queue[dict[str, Any]] = multiprocessing.get_context("spawn").Queue()
    port = int(server.url.rsplit(":", 1)[1])
    begin = time.time() + (6 if consoles else 0)  # they connect meanwhile
    if consoles:
        process = multiprocessing.get_context("spawn").Process(
            target=look_on, args=(port, consoles, begin, begin + seconds, results)
        )
        process.start()
    time.sleep(max(0.0, begin - time.time()))
    before, began = sum(scheduler.cpu_times()[:2]), time.time()
    time.sleep(seconds)
    share = (sum(scheduler.cpu_times()[:2]) - before) / (time.time() - began)
    told = results.get(timeout=60) if consoles else None
    time.sleep(1)
    with sqlite3.connect(f"file:{server.data_dir}/elasticjob.db?mode=ro", uri=True) as connection:
        rows = connection.execute(
            "SELECT start_time FROM job_execution_log WHERE start_time BETWEEN ? AND ?",
            (begin * 1000, (begin + seconds) * 1000),
        ).fetchall()
    connection.close()
    return [start % 1000 for (start,) in rows], share, told


def measure_all(server: Standalone, consoles: int, seconds: float, rounds: int) -> None:
    """Measure in turns, and print what came of it."""
    time.sleep(10)
    late: dict[int, list[float]] = {0: [], consoles: []}
    shares: dict[int, list[float]] = {0: [], consoles: []}
    seen: list[dict[str, Any]] = []
    for _ in range(rounds):
        for number in (0, consoles):
            lateness, share, told = measure(server, number, seconds)
            late[number] += lateness
            shares[number].append(share)
            seen += [told] if told is not None else []
    for number in (0, consoles):
        show(f"lateness with {number} consoles", late[number], "ms")
        print(f"{'':<44} scheduler {statistics.median(shares[number]) * 100:.1f} % of a core")
    extra = statistics.median(
        with_them - without for without, with_them in zip(shares[0], shares[consoles], strict=True)
    )
    print(f"the consoles cost {extra * 100:.1f} % of a core")
    show("an answer to a console", [taken for each in seen for taken in each["taken"]], "ms")
    for name in seen[0]["counts"]:
        print(f"{name}: {sum(each['counts'][name] for each in seen) / len(seen) / seconds:.1f} a second")
    largest = max(each["largest"] for each in seen)
    print(f"largest answer {largest:,} bytes; load {os.getloadavg()[0]:.1f}")
    assert largest <= _LARGEST_BYTES


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--consoles", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2_000)
    parser.add_argument("--due", type=int, default=17, help="of them due each second")
    parser.add_argument("--seconds", type=float, default=20, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "bench_jobs.py").write_text(_APP)
        with tarfile.open(directory / "app.tar.gz", "w:gz") as archive:
            archive.add(directory / "bench_jobs.py", "bench_jobs.py")
        fill(directory / "data", (directory / "app.tar.gz").as_uri(), options.jobs, options.due)
        sizes = ("--cpus", "1000", "--memory-mb", "1000000", "--log-level", "warning")
        with Standalone(directory / "data", *sizes) as server:
            measure_all(server, options.consoles, options.seconds, options.rounds)


if __name__ == "__main__":
    main()
