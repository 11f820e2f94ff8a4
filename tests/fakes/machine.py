"""A machine in memory with an agent on it: the simulation's agent, in the event loop's time, over a fake shell."""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence

import msgspec

from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.model.jobs.job import SCRIPT_COMMAND_LINE
from elasticjob_cloud.model.messages import AgentEvents, AgentInfo, Command, Launch, Sandbox, TaskStatus
from elasticjob_cloud.model.output.excerpt import last_line
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import Now
from tests.fakes.shell import FakeShell
from tests.simulation.agent_model import AgentModel


class FakeMachine:
    """Keeps `AgentWorld` for one agent after another: each life of the agent has an id of its own."""

    def __init__(
        self, name: str, cpus: float, memory_mb: float, deliver: Callable[[AgentEvents], None]
    ) -> None:
        self.name = name
        self.epoch = 0  # the newest that has spoken
        self.reserved = (0.0, 0.0)
        self.outputs: dict[str, bytearray] = {}
        self._deliver = deliver
        self._lives = itertools.count(1)
        self._scripts: dict[str, asyncio.Task[None]] = {}
        self._app_of: dict[str, str] = {}
        self._telling = False
        self.agent = self._new_life(cpus, memory_mb)

    @property
    def agent_id(self) -> str:
        """The id of the present agent."""
        return self.agent.info.agent_id

    def carry_out(self, commands: Sequence[Command]) -> None:
        """Carry out commands in order."""
        for command in commands:
            self.agent.take(command)

    def reserve(self, cpus: float, memory_mb: float) -> None:
        """Note what the engine says that tasks and executors take."""
        self.reserved = (cpus, memory_mb)

    def resize(self, cpus: float, memory_mb: float) -> None:
        """Let the machine have another size from now on; what runs on it runs on."""
        self.agent.info = msgspec.structs.replace(self.agent.info, cpus=cpus, memory_mb=memory_mb)

    def drain(self, reason: str) -> None:
        """Let the machine take no new tasks."""
        self.agent.info = msgspec.structs.replace(self.agent.info, draining=reason)

    def restart(self) -> None:
        """The agent dies as by `kill -9`; its successor first ends all that it left."""
        self.agent.die()
        self.reserved = (0.0, 0.0)
        self.agent = self._new_life(self.agent.info.cpus, self.agent.info.memory_mb)

    def sandboxes(self, app_name: str) -> list[Sandbox]:
        """Give where the app has live tasks or an executor, as an agent does."""
        task_ids = tuple(task_id for task_id in self._scripts if self._app_of[task_id] == app_name)
        if not task_ids and app_name not in self.agent.executors:
            return []
        return [Sandbox(self.agent_id, app_name, f"/{self.name}/{app_name}", task_ids)]

    # What the agent asks of its world

    def now(self) -> Now:
        """Read both clocks."""
        return Now(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000)

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        """Have something happen after a while."""
        asyncio.get_running_loop().call_later(delay_ms / 1000, action)

    def choose_outcome(self, launch: Launch) -> tuple[float | None, TaskState]:
        """Refuse what there is no room for; all else runs until its script has ended."""
        info = self.agent.info
        fits = self.reserved[0] <= info.cpus and self.reserved[1] <= info.memory_mb
        return None, TaskState.FINISHED if fits else TaskState.DROPPED

    def note_start(self, agent: AgentModel, task_id: str, launch: Launch) -> None:
        """Run the task's script. That of an SDK job is its job parameter; without one it ends at once."""
        script = launch.job.props.get(SCRIPT_COMMAND_LINE, launch.job.job_parameter)
        self._app_of[task_id] = launch.app.app_name
        loop = asyncio.get_running_loop()
        self._scripts[task_id] = loop.create_task(self._run(agent, task_id, script))

    def note_end(self, task_id: str) -> None:
        """End what the task runs."""
        script = self._scripts.pop(task_id, None)
        if script is not None:
            script.cancel()

    def note_word(self, status: TaskStatus) -> None:
        """Nobody compares it with anything here."""

    def raises(self, execution: str) -> bool:
        """What scripts do here, their exit codes tell."""
        return False

    def agent_has_news(self, agent: AgentModel) -> None:
        """Have all that the agent tells in this turn of the loop delivered as one batch."""
        if not self._telling:
            self._telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def frozen_ms(self, agent: AgentModel) -> int:
        """These machines do not freeze."""
        return 0

    def _tell(self) -> None:
        self._telling = False
        batch = self.agent.flush()
        if batch is not None:
            self._deliver(AgentEvents(self.agent_id, *batch))

    async def _run(self, agent: AgentModel, task_id: str, script: str) -> None:
        output = self.outputs.setdefault(task_id, bytearray())
        code = await FakeShell(output).run(script)
        del self._scripts[task_id]
        last = last_line(output.decode())
        reason = f"exit code {code}: {last}" if last else f"exit code {code}"
        state = TaskState.FAILED if code else TaskState.FINISHED
        agent.end(task_id, state, reason if code else "", code)

    def is_live(self, task_id: str) -> bool:
        """Tell whether a task's script runs."""
        return task_id in self._scripts

    def _new_life(self, cpus: float, memory_mb: float) -> AgentModel:
        agent = AgentModel(self, f"{self.name}-{next(self._lives)}", cpus, memory_mb)
        agent.info = AgentInfo(
            agent.info.agent_id, self.name, "127.0.0.1", cpus, memory_mb, disks=(Disk("/", 50_000, 100_000),)
        )
        return agent
