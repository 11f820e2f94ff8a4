"""How many no-op shards a second one executor runs, and what CPU that costs it.

Plays the agent over a Unix socket: keeps a window of shards in flight, in runs of a given size, and counts terminal
statuses. The executor is a real child process. Usage:

    python benchmarks/bench_executor.py [--shards 100000] [--run-size 100] [--window 1000] [--job noop|prints|async]
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

JOBS = """
def noop(context): pass
def prints(context): print("x")
async def coroutine(context): pass
"""
NAMES = {"noop": "noop", "prints": "prints", "async": "coroutine"}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the executor with no-op shards.")
    parser.add_argument("--shards", type=int, default=100_000)
    parser.add_argument("--run-size", type=int, default=100)
    parser.add_argument("--window", type=int, default=1000)
    parser.add_argument("--job", choices=sorted(NAMES), default="noop")
    parser.add_argument("--service", default="CPU")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    (folder / "jobs.py").write_text(JOBS)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "agent.sock"))
    listener.listen()
    process = subprocess.Popen(
        [sys.executable, "-m", "elasticjob_cloud", f"jobs:{NAMES[options.job]}"],
        cwd=folder,
        env={**os.environ, "ELASTICJOB_AGENT_ADDRESS": f"unix:{folder}/agent.sock"},
    )
    connection, _ = listener.accept()
    try:
        warm = min(2000, options.shards)
        drive(connection, folder, warm, options, "warm")
        cpu_before, before = cpu_seconds(process.pid), time.perf_counter()
        lines = drive(connection, folder, options.shards, options, "t")
        seconds, cpu = time.perf_counter() - before, cpu_seconds(process.pid) - cpu_before
        print(
            f"{options.job}: {options.shards / seconds:,.0f} shards/s, "
            f"executor CPU {cpu / options.shards * 1e6:.1f} us a shard ({cpu / options.shards * 1000:.4f} s per 1000), "
            f"{options.shards * 2 / lines:.0f} statuses a line"
        )
    finally:
        connection.sendall(b'{"type":"stop"}\n')
        process.wait(10)
        connection.close()
        listener.close()


def drive(
    connection: socket.socket, folder: Path, count: int, options: argparse.Namespace, prefix: str
) -> int:
    """Run so many shards; give the number of status lines that came."""
    sent = ended = lines = 0
    tail = b""
    while ended < count:
        while sent < count and sent - ended <= options.window - options.run_size:
            size = min(options.run_size, count - sent)
            connection.sendall(run_message(folder, prefix, sent, size, options.service))
            sent += size
        data = tail + connection.recv(1 << 20)
        whole, _, tail = data.rpartition(b"\n")
        lines += whole.count(b"\n") + 1
        ended += whole.count(b'"TASK_FINISHED"')
    return lines


def run_message(folder: Path, prefix: str, start: int, size: int, service: str) -> bytes:
    tasks = [
        {
            "taskId": f"bench_job@-@{number}@-@READY@-@agent-1@-@{prefix}{number:032x}",
            "item": number,
            "parameter": "",
            "output": f"{folder}/{prefix}{number}",
        }
        for number in range(start, start + size)
    ]
    job = {
        "jobName": "bench_job",
        "jobExecutionType": "TRANSIENT",
        "shardingTotalCount": 10_000,
        "jobParameter": "",
        "jobExecutorServiceHandlerType": service,
        "jobErrorHandlerType": "LOG",
        "props": {},
        "cron": "",
        "timeZone": "UTC",
        "eventTraceSamplingCount": 0,
    }
    return (
        json.dumps({"type": "run", "job": job, "tasks": tasks, "outputLimitBytes": 1 << 20}).encode() + b"\n"
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
