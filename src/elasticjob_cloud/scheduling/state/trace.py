"""The lines of the event tables, which stay for people to read."""

from typing import Final

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.messages import TaskStatus
from elasticjob_cloud.model.records import AttemptEnd, ExecutionTrace, StatusTrace, TaskRecord
from elasticjob_cloud.model.results import ShardResult, execution_result
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.state.part import TurnPart

SOURCE_SCHEDULER: Final = "CLOUD_SCHEDULER"
SOURCE_EXECUTOR: Final = "CLOUD_EXECUTOR"
_EXECUTION_SOURCES: Final = {
    FireSource.CRON: "NORMAL_TRIGGER",
    FireSource.TRIGGER: "MANUAL_TRIGGER",
    FireSource.DAEMON: "NORMAL_TRIGGER",
    FireSource.RERUN: "MANUAL_TRIGGER",
    FireSource.MISFIRE: "MISFIRE",
}


class Trace(TurnPart):
    """Writes `JOB_STATUS_TRACE_LOG` and `JOB_EXECUTION_LOG`."""

    __slots__ = ()

    def status(
        self,
        task: TaskRecord,
        state: TaskState,
        message: str = "",
        *,
        time_ms: int = 0,
        by_executor: bool = False,
        attempt_end: AttemptEnd | None = None,
    ) -> None:
        """Write a line of `JOB_STATUS_TRACE_LOG`."""
        self._rows.status_traces.append(
            StatusTrace(
                task.job_name,
                task.original_task_id,
                task.task_id,
                task.agent_id,
                SOURCE_EXECUTOR if by_executor else SOURCE_SCHEDULER,
                str(task.type),
                task.item,
                str(state),
                message,
                time_ms or self._now_ms,
                attempt_end,
            )
        )

    def end(self, task: TaskRecord, status: TaskStatus, result: ShardResult, source: FireSource) -> None:
        """Write the last line of a task, with how its attempt ended."""
        execution = status.execution
        self.status(
            task,
            status.state,
            status.message,
            time_ms=status.time_ms,
            by_executor=status.by_executor,
            attempt_end=AttemptEnd(
                task.fire_id,
                task.attempt,
                task.staged_ms,
                task.running_ms or (0 if execution is None else execution.start_ms),
                result is ShardResult.SUCCEEDED,
                None if execution is None else execution.exit_code,
                0 if execution is None else execution.signal,
                status.summary,
            ),
        )
        if source is not FireSource.DAEMON and status.state is not TaskState.DROPPED:
            self._count(result)

    def execution(self, task: TaskRecord, status: TaskStatus, source: FireSource) -> None:
        """Write a line of `JOB_EXECUTION_LOG`, if this status tells of an execution."""
        execution = status.execution
        if execution is None:
            return
        agent = self._state.agents.get(task.agent_id)
        is_daemon = source is FireSource.DAEMON
        self._rows.executions.append(
            ExecutionTrace(
                task.job_name,
                task.task_id,
                agent.info.hostname if agent else "",
                agent.info.ip if agent else "",
                task.item,
                "FAILOVER" if task.original_task_id else _EXECUTION_SOURCES[source],
                execution.failure_cause,
                execution.success,
                execution.start_ms,
                execution.complete_ms,
                task.app_name if is_daemon else "",
                status.summary if is_daemon else "",
            )
        )
        if is_daemon:
            self._count(execution_result(succeeded=execution.success))

    def _count(self, result: ShardResult) -> None:
        executions = self._decisions.executions
        executions[result] = executions.get(result, 0) + 1
