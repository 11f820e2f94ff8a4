"""Daemon scripts with a cron: the task stays, the agent runs its script at each fire (semantics, "Transient and daemon jobs").

    idle --fire--> waiting for its turn --> executing --> idle

One execution at a time: what fires meanwhile is skipped, and told as a `TASK_RUNNING` whose message begins with `SKIPPED`:
the first one when it is due, and all of them when the execution has ended. Each told execution is a repeated `TASK_RUNNING`, `BEGIN` and
`COMPLETE`. An execution that fails is a failed execution, and nothing more: only a kill, or the agent's end, ends the task.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from elasticjob_cloud.agent.reporting.ledger import Ledger
from elasticjob_cloud.agent.scripts.script_task import ScriptTask
from elasticjob_cloud.cron import CronExpression, InvalidCronError
from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.model.jobs.repetition import BEGIN, COMPLETE, LONGEST_WAIT_SECONDS, Repetition, zone_of
from elasticjob_cloud.model.messages import Execution, TaskStatus
from elasticjob_cloud.model.task import TaskState

SKIPPED = "SKIPPED"
# Looked for when an execution has ended, which may have hung for weeks.
_MOST_SKIPPED = 500


class RepeatedScripts:
    """Waits for the fires of repeated scripts. Used on the loop's thread only."""

    def __init__(
        self, ledger: Ledger, loop: asyncio.AbstractEventLoop, enqueue: Callable[[ScriptTask], None]
    ) -> None:
        self._ledger = ledger
        self._loop = loop
        self._enqueue = enqueue

    def begin(self, script: ScriptTask) -> None:
        """Take a task whose app is there: from now on it runs, and is idle.

        Raises:
            StartError: its cron or its time zone is none.
        """
        count = script.app.event_trace_sampling_count
        script.repetition = repetition_of(script.job.cron, script.job.time_zone, count)
        now_ms = time.time_ns() // 1_000_000
        # Without an execution: it only says that the task is idle.
        self._ledger.report(TaskStatus(script.spec.task_id, TaskState.RUNNING, now_ms, COMPLETE))
        self._wait(script, script.repetition, now_ms)

    def started(self, script: ScriptTask, started_ms: int) -> None:
        """Tell that an execution has begun."""
        assert script.repetition is not None
        if script.repetition.is_sampled:
            self._ledger.report(TaskStatus(script.spec.task_id, TaskState.RUNNING, started_ms, BEGIN))
        next_ms = script.repetition.next_fire_ms(script.fire_ms or started_ms)
        if next_ms is not None:
            self._arm(script, next_ms, lambda: self._tell_skipped(script, [next_ms]))

    def ended(self, script: ScriptTask, execution: Execution) -> None:
        """Tell that an execution has ended, and wait for the next fire. A failed one is always told."""
        assert script.repetition is not None
        if script.timer is not None:
            script.timer.cancel()
            script.timer = None
        self._tell_all_skipped(script, script.repetition, execution)
        if script.repetition.is_sampled or not execution.success:
            status = TaskStatus(
                script.spec.task_id, TaskState.RUNNING, execution.complete_ms, COMPLETE, execution
            )
            self._ledger.report(status)
        # Never before the last fire again, should the clock have been set back (promise 10).
        after_ms = max(script.fire_ms or 0, execution.complete_ms)
        self._wait(script, script.repetition, after_ms)

    def _wait(self, script: ScriptTask, repetition: Repetition, after_ms: int) -> None:
        script.fire_ms = repetition.next_fire_ms(after_ms)
        if script.fire_ms is not None:
            self._arm(script, script.fire_ms, lambda: self._enqueue(script))

    def _tell_all_skipped(self, script: ScriptTask, repetition: Repetition, execution: Execution) -> None:
        if script.fire_ms is None:
            return
        skipped = repetition.fires_between(script.fire_ms, execution.complete_ms, _MOST_SKIPPED)
        # One alone was told when it was due, unless its timer comes just now.
        if len(skipped) > 1 or (skipped and script.told_skip_ms != skipped[0]):
            self._tell_skipped(script, skipped)

    def _tell_skipped(self, script: ScriptTask, skipped: list[int]) -> None:
        script.told_skip_ms = skipped[0]
        first, last = _iso(skipped[0]), _iso(skipped[-1])
        count = f"{len(skipped)}{' or more' if len(skipped) == _MOST_SKIPPED else ''}"
        what = f"the fire of {first}" if len(skipped) == 1 else f"{count} fires, from {first} to {last}"
        message = (
            f"{SKIPPED} {what}: the execution of the fire of {_iso(script.fire_ms or 0)} was still running."
        )
        self._ledger.report_now(script.spec.task_id, TaskState.RUNNING, message)

    def _arm(self, script: ScriptTask, fire_ms: int, on_due: Callable[[], None]) -> None:
        seconds = (fire_ms - time.time_ns() / 1_000_000) / 1000
        delay = min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
        script.timer = self._loop.call_later(delay, self._look, script, fire_ms, on_due)

    def _look(self, script: ScriptTask, fire_ms: int, on_due: Callable[[], None]) -> None:
        if time.time_ns() < fire_ms * 1_000_000:
            # Timers are never exact, and clocks are set: a fire is never early (promise 10).
            self._arm(script, fire_ms, on_due)
            return
        script.timer = None
        on_due()


def repetition_of(cron: str, time_zone: str, sampling_count: int) -> Repetition:
    """Read when a daemon script runs, and which of its executions are recorded.

    Raises:
        StartError: the cron or the time zone is none.
    """
    try:
        expression = CronExpression.parse(cron)
    except InvalidCronError as error:
        raise StartError(f"cron: {error}") from error
    zone = zone_of(time_zone)
    return Repetition(lambda after_ms: expression.next_fire_ms(after_ms, zone), sampling_count)


def _iso(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
