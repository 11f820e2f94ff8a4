"""An agent for tests of the SDK: a real socket, a real child process, and the statuses that it reported."""

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from tests.waiting import wait_for

TERMINAL = {"TASK_FINISHED", "TASK_FAILED", "TASK_ERROR", "TASK_KILLED"}
PATIENCE_SECONDS = 20.0


def job_message(**changes: Any) -> dict[str, Any]:
    return {
        "jobName": "job",
        "jobExecutionType": "TRANSIENT",
        "shardingTotalCount": 10,
        "jobParameter": "",
        "jobExecutorServiceHandlerType": "CPU",
        "jobErrorHandlerType": "LOG",
        "props": {},
        "cron": "",
        "timeZone": "UTC",
        "eventTraceSamplingCount": 0,
    } | changes


class SdkAgent:
    """Listens, starts one executor in `folder`, and speaks the protocol with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "output"
        self.output.mkdir()
        self.token = secrets.token_hex(8)
        self.statuses: list[dict[str, Any]] = []
        self.lines: list[str] = []
        self.ended = False
        self.process: subprocess.Popen[str] | None = None
        self._changed = threading.Condition()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / "agent.sock"))
        self._listener.listen()
        self._connection: socket.socket | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
        self.disconnect()
        if self._reader is not None:
            self._reader.join(PATIENCE_SECONDS)
        if self._connection is not None:
            self._connection.close()
        self._listener.close()

    def write(self, name: str, source: str) -> None:
        (self.folder / name).write_text(source)

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, is_accepted: bool = True
    ) -> None:
        """Start `python -m elasticjob_cloud <arguments>`, or a script of the folder, and await its registration."""
        script = arguments[0].endswith(".py")
        self.start_command(
            [sys.executable, *(() if script else ("-m", "elasticjob_cloud")), *arguments], environment
        )
        if is_accepted:
            self.accept()

    def start_command(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Start an executor of any kind and await its registration."""
        self.process = subprocess.Popen(
            command,
            cwd=self.folder,
            env={
                **os.environ,
                "ELASTICJOB_AGENT_ADDRESS": f"unix:{self.folder}/agent.sock",
                "ELASTICJOB_EXECUTOR_TOKEN": self.token,
                "ELASTICJOB_APP_NAME": "app",
                **(environment or {}),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # as agents do
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._connection = self._accept(self.process)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_until(lambda: self.lines)

    def accept(self) -> None:
        self.send({"type": "registered", "protocol": 1, "appName": "app", "agentId": "agent"})

    def _accept(self, process: subprocess.Popen[str]) -> socket.socket:
        self._listener.settimeout(0.1)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                return self._listener.accept()[0]
            except TimeoutError:
                assert process.poll() is None, process.communicate()
        raise AssertionError("the executor did not connect")

    def send(self, message: dict[str, Any]) -> None:
        self.send_raw(json.dumps(message).encode() + b"\n")

    def send_raw(self, data: bytes) -> None:
        assert self._connection is not None
        self._connection.sendall(data)

    def run(
        self, items: Iterable[int] = (0,), *, limit: int = 1_000_000, prefix: str = "t", **job: Any
    ) -> list[str]:
        """Send a run of these items; their task ids."""
        tasks = [
            {
                "taskId": f"{prefix}{item}",
                "item": item,
                "parameter": f"p{item}",
                "output": str(self.output / f"{prefix}{item}"),
            }
            for item in items
        ]
        self.send({"type": "run", "job": job_message(**job), "tasks": tasks, "outputLimitBytes": limit})
        return [str(task["taskId"]) for task in tasks]

    def kill(self, *task_ids: str) -> None:
        self.send({"type": "kill", "taskIds": list(task_ids)})

    def disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):  # the executor was first
                self._connection.shutdown(socket.SHUT_RDWR)

    def wait_until(self, condition: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, seconds), f"waited in vain; statuses: {self.statuses}"

    def states(self, task_id: str) -> list[str]:
        return [status["state"] for status in self.statuses if status["taskId"] == task_id]

    def wait_state(self, task_id: str, state: str) -> dict[str, Any]:
        """Wait until the task is reported to be in this state; that status."""
        self.wait_until(lambda: state in self.states(task_id))
        return next(s for s in self.statuses if s["taskId"] == task_id and s["state"] == state)

    def wait_end(self, task_id: str) -> dict[str, Any]:
        """Wait for the task's terminal status."""
        self.wait_until(lambda: TERMINAL.intersection(self.states(task_id)))
        return next(s for s in self.statuses if s["taskId"] == task_id and s["state"] in TERMINAL)

    def wait_exit(self, seconds: float = PATIENCE_SECONDS) -> int:
        assert self.process is not None
        return self.process.wait(seconds)

    def own_output(self) -> tuple[str, str]:
        """What the executor's own stdout and stderr hold, after its end."""
        assert self.process is not None
        return self.process.communicate(timeout=PATIENCE_SECONDS)

    def text(self, task_id: str, stream: str = "stdout") -> str:
        path = self.output / f"{task_id}.{stream}"
        return path.read_text() if path.exists() else ""

    def wait_text(self, task_id: str, part: str, stream: str = "stdout") -> None:
        """Wait until the task's output holds this, while it runs."""
        wait_for(lambda: part in self.text(task_id, stream), f"{stream} of {task_id} holds {part!r}")

    def _read(self) -> None:
        assert self._connection is not None
        try:
            for line in self._connection.makefile("r", encoding="utf-8"):
                message = json.loads(line)
                with self._changed:
                    self.lines.append(line)
                    self.statuses.extend(message.get("statuses", ()))
                    self._changed.notify_all()
        except ConnectionError:
            pass  # the executor ended with unread messages
        with self._changed:
            self.ended = True
            self._changed.notify_all()
