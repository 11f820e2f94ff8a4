"""The lines of the event tables, which stay for people to read."""

from typing import Final

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.messages import Execution, TaskStatus
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
    ) -> None:
        """Write a line of `JOB_STATUS_TRACE_LOG`."""
        self._rows.status_traces.append(
            StatusTrace(
                task.job_name,
                task.original_task_id,
                task.task_id,
                task.agent_id,
                SOURCE_EXECUTOR if by_executor else SOURCE_SCHEDULER,
                task.type._value_,
                task.item,
                state._value_,
                message,
                time_ms or self._now_ms,
            )
        )

    def end(
        self, task: TaskRecord, status: TaskStatus, result: ShardResult, summary: str, source: FireSource
    ) -> None:
        """Write the last line of a task, with how its attempt ended."""
        execution = status.execution
        start_ms, exit_code, signal = task.running_ms, None, 0
        if execution is not None:
            start_ms = start_ms or execution.start_ms
            exit_code, signal = execution.exit_code, execution.signal
        is_success = result is ShardResult.SUCCEEDED
        self._rows.status_traces.append(
            StatusTrace(
                task.job_name,
                task.original_task_id,
                task.task_id,
                task.agent_id,
                SOURCE_EXECUTOR if status.by_executor else SOURCE_SCHEDULER,
                task.type._value_,
                task.item,
                status.state._value_,
                status.message,
                status.time_ms or self._now_ms,
                AttemptEnd(
                    task.fire_id,
                    task.attempt,
                    task.staged_ms,
                    start_ms,
                    is_success,
                    exit_code,
                    signal,
                    summary,
                    result is ShardResult.KILLED,
                ),
            )
        )
        if source is not FireSource.DAEMON and status.state is not TaskState.DROPPED:
            self._count(result)

    def execution(
        self, task: TaskRecord, status: TaskStatus, execution: Execution, source: FireSource
    ) -> None:
        """Write a line of `JOB_EXECUTION_LOG`."""
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
