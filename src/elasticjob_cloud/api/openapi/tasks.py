"""How the OpenAPI document describes one task."""

from typing import Final

from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Document,
    array_of,
    nullable,
    object_of,
)
from elasticjob_cloud.api.openapi.parts import LATER_TIME, TIME, one_of, told
from elasticjob_cloud.model.queries.tasks import LATER_TASKS_SHOWN, TRACES_SHOWN
from elasticjob_cloud.model.task import TaskState, TaskType

_TRACE: Final = object_of({"time": TIME, "state": one_of(TaskState), "source": TEXT, "message": TEXT})

TASK_DETAIL: Final[Document] = object_of(
    {
        "taskId": TEXT,
        "jobName": TEXT,
        "appName": nullable(TEXT),
        "runId": told(nullable(INTEGER), "null for daemon jobs, and where it is not known any more"),
        "item": INTEGER,
        "parameter": told(nullable(TEXT), "null where the run's settings are not known any more"),
        "type": told(one_of(TaskType), "FAILOVER: it was started in place of `originalTaskId`"),
        "daemon": told(nullable(BOOLEAN), "null where nobody knows"),
        "attempt": nullable(INTEGER),
        "agentId": TEXT,
        "hostname": nullable(TEXT),
        "ip": nullable(TEXT),
        "state": one_of(TaskState),
        "idle": told(BOOLEAN, "a daemon task that waits for its next execution"),
        "stagedTime": LATER_TIME,
        "startTime": LATER_TIME,
        "endTime": LATER_TIME,
        "success": told(
            nullable(BOOLEAN),
            "null while it runs; false also where job code raised and the task is TASK_FINISHED",
        ),
        "exitCode": told(nullable(INTEGER), "of a script"),
        "signal": told(nullable(INTEGER), "that ended a script"),
        "summary": told(TEXT, "why it failed, in a line"),
        "detail": told(TEXT, "the whole reason, at most 16,000 characters"),
        "killReason": told(TEXT, "why a live task is being ended; empty while it is not"),
        "originalTaskId": nullable(TEXT),
        "originalSummary": told(TEXT, "why the original task failed"),
        "laterTaskIds": told(
            array_of(TEXT),
            f"the attempts at the same shard after this one, the next first; at most {LATER_TASKS_SHOWN}",
        ),
        "traces": told(array_of(_TRACE), f"oldest first; at most the latest {TRACES_SHOWN}"),
        "tracesComplete": BOOLEAN,
    }
)
