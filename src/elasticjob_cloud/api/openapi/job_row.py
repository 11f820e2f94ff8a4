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
from elasticjob_cloud.api.openapi.runs import RUN

JOB_ROW: Final[Document] = {
    "allOf": [
        reference("JobConfiguration"),
        object_of(
            {
                "lastRun": nullable(RUN),
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
