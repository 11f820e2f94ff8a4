"""When all is on time again: since when each punctual job starts all shards of each fire within a second of its due time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.records import FireRecord
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from tests.chaos.judging.history import History, Mark, RegisteredJob

LATE_MS = 1_000


@dataclass(frozen=True, slots=True)
class Lateness:
    """What was late in a span of time: how many fires, and the last of them (0: none)."""

    late_count: int
    last_late_ms: int


def measure_lateness(
    history: History, punctual: Iterable[str], boot_wall_ms: float, since_ms: int, until_ms: int
) -> Lateness:
    """Look at what was due in the span.

    Args:
        history: As read now.
        punctual: The jobs to look at.
        boot_wall_ms: The wall clock's time of the machine's start, from which shards count.
        since_ms: The beginning of the span, excluded.
        until_ms: Its end; what was due then must have had the time to start.
    """
    first_starts: dict[str, float] = {}
    executions: dict[str, set[int]] = defaultdict(set)  # of daemons: in which seconds one started
    for line in history.output:
        at_ms = boot_wall_ms + line.at_ns / 1e6
        if line.mark is Mark.START and at_ms >= since_ms:
            first_starts.setdefault(line.task_id, at_ms)
            executions[TaskId.parse(line.task_id).job_name].add(int(at_ms // 1000))
    starts = _starts_of_fires(history, first_starts)
    fires = {(fire.job_name, fire.due_ms): fire for fire in history.fires}
    late: list[int] = []
    for name in punctual:
        job = history.jobs[name]
        for due_ms in _due_times(job, since_ms, until_ms):
            if job.configuration.is_daemon:
                on_time = due_ms // 1000 in executions[name]
            else:
                on_time = _started_in_time(fires.get((name, due_ms)), job, starts)
            if not on_time:
                late.append(due_ms)
    return Lateness(len(late), max(late, default=0))


def _due_times(job: RegisteredJob, since_ms: int, until_ms: int) -> Iterable[int]:
    cron = CronExpression.parse(job.configuration.cron)
    return cron.fires_ms(max(since_ms, job.since_ms), ZoneInfo("UTC"), until_ms=until_ms)


def _starts_of_fires(
    history: History, first_starts: Mapping[str, float]
) -> Mapping[tuple[str, int], list[float]]:
    """Give when the shards of each run started, by job and the time at which the run was recorded."""
    starts: dict[tuple[str, int], list[float]] = defaultdict(list)
    staged: set[str] = set()
    for trace in history.traces:
        if trace.state == TaskState.STAGING and trace.execution_type == TaskType.READY:
            if trace.task_id in first_starts and trace.task_id not in staged:
                starts[trace.job_name, trace.creation_ms].append(first_starts[trace.task_id])
            staged.add(trace.task_id)
    return starts


def _started_in_time(
    fire: FireRecord | None, job: RegisteredJob, starts: Mapping[tuple[str, int], list[float]]
) -> bool:
    if fire is None or not fire.started_ms:
        return False
    started = starts.get((fire.job_name, fire.started_ms), [])
    whole = len(started) == job.configuration.sharding_total_count
    return whole and max(started) - fire.due_ms <= LATE_MS
