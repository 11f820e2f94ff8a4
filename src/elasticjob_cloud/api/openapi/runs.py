"""How the OpenAPI document describes runs: each part exactly, with an example."""

from typing import Final

from elasticjob_cloud.api.openapi.documents import (
    INTEGER,
    TEXT,
    Document,
    array_of,
    nullable,
    object_of,
    reference,
)
from elasticjob_cloud.api.openapi.parts import LATER_TIME, TIME, one_of, told
from elasticjob_cloud.model.fire import RunState
from elasticjob_cloud.model.queries.runs import RUN_SOURCES
from elasticjob_cloud.model.task import TaskState

_COUNTS: Final = object_of(dict.fromkeys(("total", "waiting", "running", "succeeded", "failed"), INTEGER)) | {
    "description": "`total` is 0 for runs of earlier versions; shards that were killed are in `total` only"
}

RUN: Final[Document] = object_of(
    {
        "runId": INTEGER,
        "jobName": TEXT,
        "appName": TEXT,
        "source": one_of(RUN_SOURCES),
        "dueTime": TIME,
        "startTime": LATER_TIME,
        "endTime": LATER_TIME,
        "state": one_of(RunState),
        "reason": {"type": "string", "description": "why it waits, is being stopped, or was dropped"},
        "shards": _COUNTS,
        "summary": {"type": "string", "description": "why it failed, in a line"},
        "triggeredBy": {"type": "string", "description": "the user; empty where a cron started it"},
        "rerunOf": told(nullable(INTEGER), "the run whose shards it repeats"),
        "count": {"type": "integer", "description": "of due times; above 1 where many were dropped at once"},
        "lastDueTime": TIME,
        "shardStates": told(
            nullable(TEXT),
            "with `include=shards`: a letter for each item, the first for item 0: W, R, S, F, K or D as in `state`, "
            "- where the run leaves the item out; null where they are not known, and above 1,000 shards",
        ),
    },
    optional=("shardStates",),
)
# Without a null: FastAPI leaves those out of the document.
_RUN_EXAMPLE: Final = {
    "runId": 4711,
    "jobName": "my_job",
    "appName": "my_app",
    "source": "RERUN",
    "dueTime": "2026-11-22T03:00:00.000+08:00",
    "startTime": "2026-11-22T03:00:00.012+08:00",
    "endTime": "2026-11-22T03:00:41.730+08:00",
    "state": "FAILED",
    "reason": "",
    "shards": {"total": 2, "waiting": 0, "running": 0, "succeeded": 1, "failed": 1},
    "summary": "Shard 1: exit code 3: FATAL: quota exceeded",
    "triggeredBy": "root",
    "rerunOf": 4702,
    "count": 1,
    "lastDueTime": "2026-11-22T03:00:00.000+08:00",
}

_ATTEMPT: Final[Document] = object_of(
    {
        "taskId": TEXT,
        "agentId": TEXT,
        "attempt": INTEGER,
        "stagedTime": LATER_TIME,
        "startTime": LATER_TIME,
        "endTime": LATER_TIME,
        "state": one_of(TaskState),
        "success": {
            "type": ["boolean", "null"],
            "description": "null while it runs; false also where job code raised and the task is TASK_FINISHED",
        },
        "exitCode": told(nullable(INTEGER), "of a script"),
        "signal": told(nullable(INTEGER), "that ended a script"),
        "summary": {"type": "string", "description": "why it failed, in a line"},
        "detail": {
            "type": "string",
            "description": "the whole reason, at most 16,000 characters; of the first 100 failures of a run",
        },
    }
)
_SHARD: Final = object_of(
    {
        "item": INTEGER,
        "parameter": TEXT,
        "state": one_of(RunState),
        "attempts": array_of(_ATTEMPT),
    }
)
_TASK_ID: Final = "my_job@-@1@-@READY@-@agent-1@-@0b0d6c3e"

RUN_PAGE: Final[Document] = object_of(
    {
        "rows": array_of(RUN),
        "next": told(nullable(TEXT), "the `cursor` of the next page; null: there is none"),
    }
) | {"examples": [{"rows": [_RUN_EXAMPLE], "next": "1795287641730.4711"}]}
RUN_DETAIL: Final[Document] = object_of(
    {
        "run": RUN,
        "configuration": {
            "anyOf": [reference("RunConfiguration"), {"type": "null"}],
            "description": "what it ran under; null where that is not known any more",
        },
        "shards": array_of(_SHARD),
    }
)
EXECUTION_PAGE: Final[Document] = object_of(
    {
        "rows": array_of(
            object_of(
                {
                    "executionId": INTEGER,
                    "jobName": TEXT,
                    "appName": TEXT,
                    "source": {"const": "DAEMON"},
                    "taskId": TEXT,
                    "item": INTEGER,
                    "hostname": TEXT,
                    "ip": TEXT,
                    "startTime": TIME,
                    "endTime": LATER_TIME,
                    "state": one_of((RunState.SUCCEEDED, RunState.FAILED)),
                    "summary": TEXT,
                    "detail": TEXT,
                }
            )
        ),
        "next": nullable(TEXT),
    }
)
RERUN: Final[Document] = object_of({"runId": INTEGER}) | {"examples": [{"runId": 4712}]}
RUN_ID_HEADER: Final = "X-Run-Id"
RUN_ID: Final[Document] = {RUN_ID_HEADER: {"description": "The run's id.", "schema": INTEGER}}
