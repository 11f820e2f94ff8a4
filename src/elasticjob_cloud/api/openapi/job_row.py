"""A row of the job list."""

from typing import Final

from elasticjob_cloud.api.openapi.documents import (
    BOOLEAN,
    INTEGER,
    TEXT,
    Document,
    array_of,
    nullable,
    object_of,
    reference,
)

_LAST_RUN: Final = object_of(
    {
        "runId": INTEGER,
        "source": TEXT,
        "state": TEXT,
        "dueTime": TEXT,
        "startTime": nullable(TEXT),
        "endTime": nullable(TEXT),
        "reason": TEXT,
        "summary": TEXT,
    }
)
JOB_ROW: Final[Document] = {
    "allOf": [
        reference("JobConfiguration"),
        object_of(
            {
                "lastRun": nullable(_LAST_RUN),
                "recent": array_of(TEXT),
                "nextFire": nullable(TEXT),
                "runningShards": INTEGER,
                "waitingReason": nullable(TEXT),
                "shortened": BOOLEAN,
            },
            optional=("shortened",),
        ),
    ]
}
