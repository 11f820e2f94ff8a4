"""A made-up history that keeps all promises, for tests of the checkers."""

import msgspec

from elasticjob_cloud.model.fire import FireSource, FireState
from elasticjob_cloud.model.jobs.job import JobConfiguration, JobExecutionType
from elasticjob_cloud.model.records import FireRecord, StatusTrace
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from tests.chaos.judging.checker import check_end
from tests.chaos.judging.history import History, Mark, OutputLine, RegisteredJob

T0 = 1_800_000_000_000  # a whole second

NS_A_MS = 1_000_000


class Story:
    """A history that keeps all promises, told step by step: a job of two shards that is due every second."""

    def __init__(self, *, failover: bool = False, misfire: bool = False, daemon: bool = False) -> None:
        configuration = JobConfiguration(
            job_name="job",
            app_name="app",
            job_execution_type=JobExecutionType.DAEMON if daemon else JobExecutionType.TRANSIENT,
            sharding_total_count=2,
            cpu_count=0.1,
            memory_mb=32,
            cron="* * * * * ?",
            time_zone="UTC",
            failover=failover,
            misfire=misfire,
        )
        self.history = History({"job": RegisteredJob(configuration, T0)}, fires_until_ms=T0 + 3_500)
        self._tasks = 0

    def fire(self, second: int, *, source: FireSource = FireSource.CRON) -> FireRecord:
        """A fire that ran, late by 10 ms, for half a second."""
        due_ms = T0 + second * 1000
        fire = FireRecord(
            fire_id=len(self.history.fires) + 1,
            job_name="job",
            source=source,
            due_ms=due_ms,
            state=FireState.COMPLETED,
            recorded_ms=due_ms + 10,
            started_ms=due_ms + 10,
            ended_ms=due_ms + 510,
        )
        self.history.fires.append(fire)
        return fire

    def dropped(self, second: int, last_second: int = 0, reason: str = "misfired") -> None:
        fire = self.fire(second)
        self.history.fires[-1] = msgspec.structs.replace(
            fire,
            state=FireState.DROPPED,
            reason=reason,
            started_ms=0,
            count=last_second - second + 1 if last_second else 1,
            last_due_ms=T0 + last_second * 1000 if last_second else 0,
            recorded_ms=T0 + max(second, last_second) * 1000 + 10,
        )

    def task(
        self,
        item: int,
        start_ms: int,
        *,
        state: TaskState = TaskState.FINISHED,
        seconds: float = 0.3,
        original: str = "",
        host: str = "n1",
        mark: Mark | None = Mark.END,
    ) -> str:
        """A task that was staged, ran, and ended; `mark`: what it wrote last, None when it wrote nothing."""
        self._tasks += 1
        type_ = TaskType.FAILOVER if original else TaskType.READY
        task_id = str(TaskId("job", item, type_, f"agent-{host}", f"{self._tasks:032x}"))
        for each, at_ms in ((TaskState.STAGING, start_ms), (state, start_ms + int(seconds * 1000))):
            self.trace(task_id, item, each, at_ms, type_, original)
        if mark is not None:
            self.lines(task_id, start_ms, seconds, host, mark)
        return task_id

    def trace(
        self,
        task_id: str,
        item: int,
        state: TaskState,
        at_ms: int,
        type_: TaskType = TaskType.READY,
        original: str = "",
    ) -> None:
        self.history.traces.append(
            StatusTrace(
                "job",
                original,
                task_id,
                "agent",
                "CLOUD_SCHEDULER",
                type_.value,
                item,
                state.value,
                "",
                at_ms,
            )
        )

    def lines(
        self, task_id: str, start_ms: int, seconds: float, host: str = "n1", last: Mark = Mark.END
    ) -> None:
        beats = [start_ms + 5 + 100 * beat for beat in range(int(seconds * 10))]
        marks = [Mark.START, *[Mark.BEAT] * (len(beats) - 2), last]
        new = [
            OutputLine(mark, at_ms * NS_A_MS, host, 7, task_id)
            for mark, at_ms in zip(marks, beats, strict=True)
        ]
        self.history.output = sorted([*self.history.output, *new], key=lambda line: line.at_ns)

    def run(self, second: int) -> list[str]:
        """A fire, and its two tasks."""
        fire = self.fire(second)
        return [self.task(item, fire.started_ms) for item in (0, 1)]

    def runs(self) -> "Story":
        for second in (1, 2, 3):
            self.run(second)
        return self

    def problems(self) -> list[str]:
        self.history.traces.sort(key=lambda trace: trace.creation_ms)
        return check_end(self.history)

    def expect(self, sentence: str) -> None:
        problems = self.problems()
        assert len(problems) == 1, problems
        assert sentence in problems[0]
