"""Holds what really happened against the promises of `docs/semantics.md`.

The rules are those of the simulation's checker, stated over a whole history: there each step is seen, here only what was
recorded and what the shards wrote. `check_history` gives one sentence for each broken promise, and none when all hold.
It may be asked at any time; `check_end` adds what must hold once all jobs are disabled and all tasks have had the time
to end.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression
from elasticjob_cloud.model.fire import CRON_SOURCES, DropReason, FireSource, FireState
from elasticjob_cloud.model.records import FireRecord, StatusTrace
from elasticjob_cloud.model.task import TaskId, TaskState, TaskType
from elasticjob_cloud.scheduling import CoreSettings
from tests.chaos.judging.history import History, Mark, Span, spans
from tests.simulation.checking.checker import Schedule, check_fires

_SETTINGS = CoreSettings()
_FAILURES = frozenset({TaskState.FAILED, TaskState.ERROR})


def check_history(history: History) -> list[str]:
    """Give what is broken so far."""
    runs = _Runs(history)
    return [
        *_check_schedules(history),
        *_check_triggers(history),
        *_check_recorded(history),
        *_check_whole_runs(history, runs),
        *_check_one_end(history),
        *_check_places(history, runs),
        *_check_starts(history, runs),
        *_check_finishes(history, runs),
    ]


def check_end(history: History) -> list[str]:
    """Give what is broken now that everything should have come to its end."""
    problems = check_history(history)
    open_fires = [fire for fire in history.fires if fire.state in {FireState.WAITING, FireState.RUNNING}]
    problems += [f"promise 1: {fire.job_name}: fire {fire.fire_id} never ends" for fire in open_fires]
    problems += [f"promise 1: {task_id} is live though nothing runs" for task_id in history.live_task_ids]
    if history.waiting_failovers:
        problems.append(f"promise 6: {history.waiting_failovers} shards wait for ever to be started again")
    return problems


class _Runs:
    """Which fire each task belongs to. The traces do not say it, but runs of a job never overlap in time."""

    def __init__(self, history: History) -> None:
        self.first_traces: dict[str, StatusTrace] = {}
        for trace in history.traces:
            if trace.state == TaskState.STAGING:
                self.first_traces.setdefault(trace.task_id, trace)
        self._started: dict[str, list[tuple[int, FireRecord]]] = defaultdict(list)
        for fire in history.fires:
            if fire.started_ms:
                self._started[fire.job_name].append((fire.started_ms, fire))
        for started in self._started.values():
            started.sort(key=lambda entry: entry[0])

    def fire_of(self, task_id: str) -> FireRecord | None:
        """Give the fire that a task was started for, or None where there is no record of the task or its run."""
        trace = self.first_traces.get(task_id)
        if trace is None:
            return None
        if trace.original_task_id and trace.original_task_id != task_id:
            return self.fire_of(trace.original_task_id)
        started = self._started[trace.job_name]
        place = bisect_right(started, trace.creation_ms, key=lambda entry: entry[0])
        return started[place - 1][1] if place else None


def _check_schedules(history: History) -> Iterator[str]:
    by_job: dict[str, list[FireRecord]] = defaultdict(list)
    for fire in history.fires:
        if fire.due_ms > fire.recorded_ms:
            yield f"promise 10: {fire.job_name}: fire {fire.fire_id} is early"
        if fire.source in CRON_SOURCES:
            by_job[fire.job_name].append(fire)
    for name, job in history.jobs.items():
        configuration = job.configuration
        if not configuration.cron or configuration.is_daemon:
            continue
        cron = CronExpression.parse(configuration.cron)
        schedule = Schedule(name, cron, ZoneInfo(configuration.time_zone or "UTC"), job.since_ms, 0)
        fires = by_job[name]
        # A job's fires are recorded in the order of time: where a later one is there, so is each before it.
        latest_ms = max((max(fire.due_ms, fire.last_due_ms) for fire in fires), default=0)
        try:
            check_fires(schedule, fires, max(history.fires_until_ms, latest_ms))
        except AssertionError as error:
            yield str(error)
        if configuration.misfire:
            yield from _check_made_up(name, fires)


def _check_made_up(job_name: str, fires: Iterable[FireRecord]) -> Iterator[str]:
    # One turn makes up what one time without a leader has missed.
    made_up = Counter(fire.recorded_ms for fire in fires if fire.state is not FireState.DROPPED)
    for fire in fires:
        if fire.reason == DropReason.MISFIRED and made_up[fire.recorded_ms] < _SETTINGS.misfire_limit:
            yield f"promise 7: {job_name}: fire {fire.fire_id} misfired and was not made up"


def _check_triggers(history: History) -> Iterator[str]:
    recorded = Counter(fire.job_name for fire in history.fires if fire.source is FireSource.TRIGGER)
    for name in {*recorded, *history.accepted}:
        at_least = history.accepted[name]
        at_most = at_least + history.unanswered[name]
        if not at_least <= recorded[name] <= at_most:
            yield (
                f"promise 7: {name}: {at_least} triggers were accepted and {at_most - at_least} not answered, "
                f"{recorded[name]} are recorded"
            )
    for fire in history.fires:
        if fire.source is FireSource.TRIGGER and fire.reason in {DropReason.MISFIRED, DropReason.QUEUE_FULL}:
            yield f"promise 7: {fire.job_name}: trigger {fire.fire_id} was dropped: {fire.reason}"


def _check_recorded(history: History) -> Iterator[str]:
    staged = {trace.task_id for trace in history.traces if trace.state == TaskState.STAGING}
    started: set[str] = set()
    for line in history.output:
        if line.task_id not in staged:
            yield f"promise 2: {line.task_id} ran on {line.host}, and nothing of it is recorded"
            staged.add(line.task_id)  # said once
        if line.mark is Mark.START and not _is_daemon(history, line.task_id):
            if line.task_id in started:
                yield f"promise 2: {line.task_id} was started twice"
            started.add(line.task_id)


def _check_whole_runs(history: History, runs: _Runs) -> Iterator[str]:
    items: dict[int, list[int]] = defaultdict(list)
    for trace in runs.first_traces.values():
        fire = runs.fire_of(trace.task_id)
        if fire is None:
            yield f"promise 2: {trace.task_id} belongs to no recorded fire"
        elif trace.execution_type == TaskType.READY and trace.creation_ms == fire.started_ms:
            items[fire.fire_id].append(trace.sharding_item)
    for fire in history.fires:
        job = history.jobs.get(fire.job_name)
        if fire.started_ms and job is not None:
            whole = list(range(job.configuration.sharding_total_count))
            if sorted(items[fire.fire_id]) != whole:
                yield f"promise 4: {fire.job_name}: fire {fire.fire_id} started items {sorted(items[fire.fire_id])}"


def _check_one_end(history: History) -> Iterator[str]:
    ended: set[str] = set()
    finished = {line.task_id for line in history.output if line.mark is Mark.END}
    for trace in history.traces:
        state = TaskState(trace.state)
        if not state.is_terminal:
            continue
        if trace.task_id in ended:
            yield f"promise 2: {trace.task_id} ended twice"
        ended.add(trace.task_id)
        if state is TaskState.FINISHED and trace.task_id not in finished:
            yield f"promise 9: {trace.task_id} is recorded as finished, but never wrote that it was"


def _check_places(history: History, runs: _Runs) -> Iterator[str]:
    by_job: dict[str, list[Span]] = defaultdict(list)
    for span in spans(history.output):
        by_job[TaskId.parse(span.task_id).job_name].append(span)
    for job_spans in by_job.values():
        running: list[Span] = []
        for span in job_spans:
            running = [other for other in running if other.last_ns > span.first_ns]
            for other in running:
                if other.task_id != span.task_id and other.overlaps(span):
                    yield from _judge_overlap(runs, other, span)
            running.append(span)


def _judge_overlap(runs: _Runs, one: Span, other: Span) -> Iterator[str]:
    first, second = TaskId.parse(one.task_id), TaskId.parse(other.task_id)
    seconds = (min(one.last_ns, other.last_ns) - other.first_ns) / 1e9
    both = f"{one.task_id} on {one.host} and {other.task_id} on {other.host}, for {seconds:.2f} s"
    if first.item == second.item:
        yield f"promise 5: item {first.item} in two places at once: {both}"
    else:
        fires = [runs.fire_of(task_id) for task_id in (one.task_id, other.task_id)]
        if None not in fires and fires[0] is not fires[1]:
            yield f"promise 3: two runs at once: {both}"


def _check_starts(history: History, runs: _Runs) -> Iterator[str]:
    starts: Counter[tuple[str, int, int]] = Counter()
    for line in history.output:
        job = history.jobs.get(TaskId.parse(line.task_id).job_name)
        fire = runs.fire_of(line.task_id)
        if (
            line.mark is Mark.START
            and job is not None
            and fire is not None
            and not job.configuration.fails_over
        ):
            starts[fire.job_name, fire.fire_id, TaskId.parse(line.task_id).item] += 1
    for (name, fire_id, item), count in starts.items():
        if count > 1:
            yield f"promise 6: {name}: item {item} of fire {fire_id} was started {count} times without failover"


def _check_finishes(history: History, runs: _Runs) -> Iterator[str]:
    finished: set[tuple[int, int]] = set()
    for line in history.output:
        fire = runs.fire_of(line.task_id)
        if line.mark is Mark.END and fire is not None:
            finished.add((fire.fire_id, TaskId.parse(line.task_id).item))
    ends: dict[tuple[int, int], list[TaskState]] = defaultdict(list)
    for trace in history.traces:
        fire = runs.fire_of(trace.task_id)
        if TaskState(trace.state).is_terminal and fire is not None:
            ends[fire.fire_id, trace.sharding_item].append(TaskState(trace.state))
    for fire in history.fires:
        job = history.jobs.get(fire.job_name)
        # A run with a reason was stopped on request.
        if (
            fire.state is not FireState.COMPLETED
            or fire.reason
            or job is None
            or not job.configuration.fails_over
        ):
            continue
        for item in range(job.configuration.sharding_total_count):
            states = ends[fire.fire_id, item]
            gave_up = sum(state in _FAILURES for state in states) >= _SETTINGS.failover_attempts
            if (fire.fire_id, item) not in finished and not gave_up:
                told = ", ".join(states) or "nothing"
                yield f"promise 6: {fire.job_name}: item {item} of fire {fire.fire_id} never finished: {told}"


def _is_daemon(history: History, task_id: str) -> bool:
    job = history.jobs.get(TaskId.parse(task_id).job_name)
    return job is not None and job.configuration.is_daemon
