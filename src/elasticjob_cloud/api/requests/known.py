"""Names in a path: what cannot be a name is one that does not exist."""

from elasticjob_cloud.api.requests.raw.text import shown
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.jobs.names import known_name_problem
from elasticjob_cloud.model.task import TaskId


def check_app_name(name: str) -> str:
    """Give the name back, or raise `NotFoundError` when no app can be called so."""
    return _check_name("app", name)


def check_job_name(name: str) -> str:
    """Give the name back, or raise `NotFoundError` when no job can be called so."""
    return _check_name("job", name)


def check_task_id(task_id: str) -> str:
    """Give the id back, or raise `NotFoundError` when it is none."""
    try:
        TaskId.parse(task_id)
    except ValueError:
        form = "jobName@-@item@-@READY@-@agentId@-@uuid"
        raise NotFoundError(f"'{shown(task_id)}' is no task id, which is of the form {form}.") from None
    return task_id


def _check_name(kind: str, name: str) -> str:
    if known_name_problem(name) is not None:
        raise NotFoundError(f"There is no {kind} '{shown(name)}'.")
    return name
