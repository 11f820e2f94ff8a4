"""App executors, played by a script that knows the socket and the lines, and no SDK."""

import asyncio
import shlex
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import msgspec
import pytest

from elasticjob_cloud.agent.agent import Agent
from elasticjob_cloud.agent.apps import AppCache
from elasticjob_cloud.agent.apps.port import AppSource
from elasticjob_cloud.agent.settings import AgentSettings
from elasticjob_cloud.model.app import AppConfiguration
from elasticjob_cloud.model.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.messages import (
    AgentEvent,
    AgentEvents,
    ExecutorStarted,
    ExecutorStopped,
    Kill,
    Launch,
    StopExecutor,
    TaskSpec,
    TaskStatus,
)
from elasticjob_cloud.model.task import TaskState
from tests.integration.apps.app_caches import until

pytestmark = pytest.mark.slow
_DEADLINE_SECONDS = 20.0

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


class World:
    """An agent in this process whose app is the script above."""

    def __init__(self, directory: Path, settings: AgentSettings, apps: AppSource | None = None) -> None:
        (directory / "executor.py").write_text(_EXECUTOR)
        self.url = (directory / "executor.py").as_uri()
        self.events: list[AgentEvent] = []
        self._changed = asyncio.Event()
        source = apps or AppCache(directory / "apps", settings.app_limits)
        self.agent = Agent(directory / "agent", settings, source, self._emit, directory)

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

    async def until(self, condition: Callable[[], bool]) -> None:
        async def wait() -> None:
            while not condition():
                self._changed.clear()
                await self._changed.wait()

        try:
            await asyncio.wait_for(wait(), _DEADLINE_SECONDS)
        except TimeoutError:
            raise AssertionError(f"It never came to pass; what was told: {self.events}") from None

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
        self._changed.set()


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

    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(run())


def test_tasks_wait_for_the_executor_and_run_in_one_process(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a", "b")
        world.launch("good", "job", "c")
        for task_id in ("a", "b", "c"):
            status = await world.end_of(task_id)
            assert world.states(task_id) == [TaskState.RUNNING, TaskState.FINISHED]
            assert status.by_executor
            assert status.execution is not None
        assert world.count(ExecutorStarted) == 1
        assert world.states("not-mine") == []

    play(tmp_path, scenario)


def test_executor_whose_files_are_gone_makes_room_for_one_with_a_whole_app(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        (sandbox,) = world.agent.sandboxes("app")
        hide(sandbox.path)
        await until(lambda: _is_folder_spent(world))
        world.launch("good", "job", "b", "c")
        for task_id in ("b", "c"):
            assert (await world.end_of(task_id)).state is TaskState.FINISHED
        assert world.count(ExecutorStarted) == 2
        (fresh,) = (it for it in world.agent.sandboxes("app") if it.path != sandbox.path)
        assert is_whole(fresh.path)

    def hide(path: str) -> None:
        Path(path, "executor.py").rename(Path(path, "executor.old"))

    def is_whole(path: str) -> bool:
        return Path(path, "executor.py").exists()

    def _is_folder_spent(world: World) -> bool:
        # The first look at an app is taken in a thread.
        process = world.agent._executors._executors["app"]._process
        return process is not None and process.is_folder_spent()

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    "mode,connect_seconds,says",
    [
        ("silent", 0.8, "did not register within 0.8 s"),
        ("crash", 15.0, "no such module"),
        ("wrong-token", 1.0, "did not register within 1 s"),
    ],
)
def test_executor_that_never_registers_fails_its_tasks_with_the_reason(
    tmp_path: Path, mode: str, connect_seconds: float, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch(mode, "job", "t")
        status = await world.end_of("t")
        assert status.state is TaskState.ERROR
        assert says in status.message
        assert world.count(ExecutorStopped) == world.count(ExecutorStarted) == 1

    play(tmp_path, scenario, connect_seconds)


@pytest.mark.parametrize(
    "job_name,says", [("die", "signal SIGSEGV"), ("junk", "not of the executor protocol")]
)
def test_tasks_of_a_broken_executor_are_lost_and_the_next_one_serves(
    tmp_path: Path, job_name: str, says: str
) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "other")
        await world.until(lambda: TaskState.RUNNING in world.states("other"))
        world.launch("good", job_name, "t")
        for task_id in ("t", "other"):
            status = await world.end_of(task_id)
            assert status.state is TaskState.LOST
            assert says in status.message
        world.launch("good", "job", "after")
        assert (await world.end_of("after")).state is TaskState.FINISHED
        assert world.count(ExecutorStarted) == 2

    play(tmp_path, scenario)


def test_killed_and_overdue_tasks_end_and_the_executor_lives_on(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "long", "killed")
        world.launch("good", "long", "overdue", timeout_seconds=1)
        await world.until(lambda: TaskState.RUNNING in world.states("killed"))
        world.agent.handle([Kill(("killed",), "enough")])
        killed, overdue = await world.end_of("killed"), await world.end_of("overdue")
        assert (killed.state, killed.message) == (TaskState.KILLED, "enough")
        assert overdue.state is TaskState.FAILED
        assert "timeoutSeconds (1 s)" in overdue.message
        assert world.count(ExecutorStopped) == 0

    play(tmp_path, scenario)


def test_executor_deaf_to_a_kill_is_ended_and_its_other_tasks_are_lost(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("deaf", "long", "killed", "other")
        await world.until(lambda: TaskState.RUNNING in world.states("other"))
        world.agent.handle([Kill(("killed",), "enough")])
        assert (await world.end_of("killed")).state is TaskState.KILLED
        assert (await world.end_of("other")).state is TaskState.LOST

    play(tmp_path, scenario)


def test_executor_without_tasks_stops_when_asked_and_starts_again_when_needed(tmp_path: Path) -> None:
    async def scenario(world: World) -> None:
        world.launch("good", "job", "a")
        await world.end_of("a")
        world.agent.handle([StopExecutor("app")])
        await world.until(lambda: world.count(ExecutorStopped) == 1)
        world.launch("good", "job", "b")
        assert (await world.end_of("b")).state is TaskState.FINISHED

    play(tmp_path, scenario)
