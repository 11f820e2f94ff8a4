"""The lines of the event tables, which stay for people to read."""

from typing import Final

from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.messages import Execution
from elasticjob_cloud.model.records import ExecutionTrace, StatusTrace, TaskRecord
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.state.part import TurnPart

SOURCE_SCHEDULER: Final = "CLOUD_SCHEDULER"
SOURCE_EXECUTOR: Final = "CLOUD_EXECUTOR"
_EXECUTION_SOURCES: Final = {
    FireSource.CRON: "NORMAL_TRIGGER",
    FireSource.TRIGGER: "MANUAL_TRIGGER",
    FireSource.DAEMON: "NORMAL_TRIGGER",
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
                str(task.type),
                task.item,
                str(state),
                message,
                time_ms or self._now_ms,
            )
        )

    def execution(self, task: TaskRecord, execution: Execution, source: FireSource) -> None:
        """Write a line of `JOB_EXECUTION_LOG`."""
        agent = self._state.agents.get(task.agent_id)
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
            )
        )
