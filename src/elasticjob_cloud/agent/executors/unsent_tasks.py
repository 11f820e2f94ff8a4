"""The tasks that wait for an app's executor to be ready."""

from collections.abc import Iterable, Iterator

from elasticjob_cloud.agent.executors.lines import run_message
from elasticjob_cloud.agent.runtime import TaskRuntime
from elasticjob_cloud.model.jobs.app import AppConfiguration
from elasticjob_cloud.model.jobs.job import JobConfiguration
from elasticjob_cloud.model.messages import TaskSpec
from elasticjob_cloud.model.wire import Run, TaskMessage


class UnsentTasks:
    """Tasks with their jobs, in the order in which they came."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[JobConfiguration, TaskSpec]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, job: JobConfiguration, specs: Iterable[TaskSpec]) -> None:
        """Have these shards of a job wait."""
        self._tasks.update((spec.task_id, (job, spec)) for spec in specs)

    def remove(self, task_id: str) -> bool:
        """Have a task wait no more; False when it does not wait."""
        return self._tasks.pop(task_id, None) is not None

    def ids(self) -> list[str]:
        """Give the ids of the tasks that wait now."""
        return list(self._tasks)

    def jobs(self) -> list[tuple[str, JobConfiguration]]:
        """Give the ids of the tasks that wait now, with their jobs."""
        return [(task_id, job) for task_id, (job, _) in self._tasks.items()]

    def clear(self) -> None:
        """Forget all."""
        self._tasks.clear()

    def messages(self, runtime: TaskRuntime, app: AppConfiguration) -> Iterator[Run]:
        """Give what has the executor run them: a message for each job."""
        tasks_by_job: dict[int, tuple[JobConfiguration, list[TaskMessage]]] = {}
        for task_id, (job, spec) in self._tasks.items():
            _, tasks = tasks_by_job.setdefault(id(job), (job, []))
            output = runtime.outputs.base_path(task_id)
            tasks.append(
                {"taskId": task_id, "item": spec.item, "parameter": spec.parameter, "output": output}
            )
        limit = runtime.settings.output_limit_bytes
        for job, tasks in tasks_by_job.values():
            yield run_message(job, tasks, app.event_trace_sampling_count, limit)
