"""An agent in this process whose app executors are played by a script that knows the socket and the lines, and no SDK."""

import shlex
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.apps.port import AppSource
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentEvent,
    AgentEvents,
    ExecutorStarted,
    ExecutorStopped,
    Launch,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from tests.waiting import Told, run_in_selector_loop

_EXECUTOR = """
import json, os, signal, socket, sys
mode = sys.argv[1]
if mode == "silent":
    print("I say nothing", flush=True); signal.pause()
if mode == "crash":
    sys.exit("no such module")
connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["ELASTICJOB_AGENT_ADDRESS"].removeprefix("unix:"))
lines = connection.makefile("rwb")
def say(message):
    lines.write(json.dumps(message).encode() + b"\\n"); lines.flush()
token = "wrong" if mode == "wrong-token" else os.environ["ELASTICJOB_EXECUTOR_TOKEN"]
say({"type": "register", "protocol": 1, "token": token, "pid": os.getpid(), "sdk": "test"})
if mode == "wrong-token":
    lines.readline(); signal.pause()
for line in lines:
    message = json.loads(line)
    if message["type"] == "stop":
        sys.exit(0)
    if message["type"] == "kill" and mode != "deaf":
        say({"type": "statuses", "statuses": [{"taskId": t, "state": "TASK_KILLED"} for t in message["taskIds"]]})
    if message["type"] == "run":
        ids = [task["taskId"] for task in message["tasks"]]
        job = message["job"]["jobName"]
        if job == "die":
            for task in message["tasks"]:
                with open(task["output"] + ".stderr", "a") as file:
                    file.write(f"{task['taskId']} is at row 7\\n")
            print("Fatal error: the driver is broken", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGSEGV)
        if job == "junk":
            lines.write(b"x" * (1 << 20) + b"\\n"); lines.flush(); signal.pause()
        say({"type": "unheard-of", "new": True})
        say({"type": "statuses", "statuses": [{"taskId": "not-mine", "state": "TASK_FINISHED"}]})
        say({"type": "statuses", "statuses": [{"taskId": t, "state": "TASK_RUNNING"} for t in ids]})
        if job == "long":
            with open(message["tasks"][0]["output"] + ".stdout", "a") as file:
                file.write("waits for a lock\\n")
        elif job == "fail":
            failed = {"state": "TASK_FINISHED", "startTime": 1, "completeTime": 2, "success": False}
            cause = "Error: no seats left\\n    at job (job.js:7:9)\\n    at run (main.js:3:1)"
            say({"type": "statuses", "statuses": [failed | {"taskId": t, "failureCause": cause} for t in ids]})
        else:
            say({"type": "statuses", "statuses": [{"taskId": t, "state": "TASK_FINISHED", "startTime": 1,
                 "completeTime": 2, "success": True} for t in ids]})
"""


class World(Told):
    """An agent in this process whose app is the script above."""

    def __init__(self, directory: Path, settings: AgentSettings, apps: AppSource | None = None) -> None:
        super().__init__()
        (directory / "executor.py").write_text(_EXECUTOR)
        self.url = (directory / "executor.py").as_uri()
        self.events: list[AgentEvent] = []
        source = apps or AppCache(directory / "apps", settings.app_limits)
        self.agent = Agent(directory / "agent", settings, source, self._emit, directory)

    def told(self) -> object:
        return self.events

    def launch(self, mode: str, job_name: str, *task_ids: str, timeout_seconds: int = 0) -> None:
        self.agent.handle([self.command(mode, job_name, *task_ids, timeout_seconds=timeout_seconds)])

    def launch_sdk(self, job: str, task_id: str) -> None:
        launch = self.command("", "job", task_id)
        bootstrap = f"exec {shlex.quote(sys.executable)} -m elasticjob_cloud {job}"
        app = msgspec.structs.replace(launch.app, bootstrap_script=bootstrap)
        self.agent.handle([msgspec.structs.replace(launch, app=app)])

    def command(self, mode: str, job_name: str, *task_ids: str, timeout_seconds: int = 0) -> Launch:
        # Where the path has to be quoted a shell runs it, which would else tell of a signal by a number of its own.
        bootstrap = f"exec {shlex.quote(sys.executable)} executor.py {mode}"
        app = AppConfiguration(app_name="app", app_url=self.url, bootstrap_script=bootstrap)
        job = JobConfiguration(
            job_name=job_name,
            app_name="app",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=len(task_ids),
            cpu_count=0.1,
            memory_mb=64.0,
            timeout_seconds=timeout_seconds,
        )
        specs = tuple(TaskSpec(task_id, item, "") for item, task_id in enumerate(task_ids))
        return Launch(app, job, specs)

    def script(self, command: str, *task_ids: str, cache: bool = True) -> Launch:
        app = AppConfiguration(
            app_name="app", app_url=self.url, bootstrap_script="none", app_cache_enable=cache
        )
        job = JobConfiguration(
            job_name="script",
            app_name="app",
            job_execution_type=JobExecutionType.TRANSIENT,
            sharding_total_count=len(task_ids),
            cpu_count=0.1,
            memory_mb=64.0,
            props={"script.command.line": command},
        )
        return Launch(app, job, tuple(TaskSpec(task_id, item, "") for item, task_id in enumerate(task_ids)))

    def states(self, task_id: str) -> list[TaskState]:
        return [e.state for e in self.events if isinstance(e, TaskStatus) and e.task_id == task_id]

    def count(self, kind: type[ExecutorStarted | ExecutorStopped]) -> int:
        return sum(isinstance(event, kind) for event in self.events)

    async def end_of(self, task_id: str) -> TaskStatus:
        await self.until(lambda: any(state.is_terminal for state in self.states(task_id)))
        return next(
            e
            for e in self.events
            if isinstance(e, TaskStatus) and e.task_id == task_id and e.state.is_terminal
        )

    def _emit(self, batch: AgentEvents) -> None:
        self.events += batch.events
        self.agent.acknowledge(batch.sequence)
        self.note_change()


def play(
    directory: Path,
    scenario: Callable[[World], Coroutine[None, None, None]],
    connect_seconds: float = 15.0,
    restart_seconds: float = 0.01,
    apps: AppSource | None = None,
) -> None:
    async def run() -> None:
        settings = AgentSettings(
            kill_grace_seconds=0.3,
            executor_connect_seconds=connect_seconds,
            executor_restart_seconds=restart_seconds,
        )
        world = World(directory, settings, apps)
        await world.agent.start()
        try:
            await scenario(world)
        finally:
            await world.agent.close("the test is over")

    run_in_selector_loop(run())
