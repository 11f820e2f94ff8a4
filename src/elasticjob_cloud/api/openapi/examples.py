"""An example of each body, as the manual has it: the page of the API offers it to be sent."""

from collections.abc import Mapping
from typing import Any, Final

from elasticjob_cloud.api.requests.bulk import BulkRequest
from elasticjob_cloud.api.requests.models import (
    JobRequest,
    LoginRequest,
    PublishAppRequest,
    RequestBody,
    UpdateAppRequest,
)
from elasticjob_cloud.api.requests.run_commands import RerunRequest, TriggerRequest

EXAMPLES: Final[Mapping[type[RequestBody], Mapping[str, Any]]] = {
    LoginRequest: {"username": "root", "password": "pwd"},
    PublishAppRequest: {
        "appName": "my_app",
        "appURL": "http://app_host:8080/my-job.tar.gz",
        "bootstrapScript": "bin/start.sh",
        "cpuCount": 0.1,
        "memoryMB": 64.0,
        "appCacheEnable": True,
        "eventTraceSamplingCount": 0,
    },
    UpdateAppRequest: {"appName": "my_app", "appCacheEnable": True},
    JobRequest: {
        "appName": "my_app",
        "jobName": "my_job",
        "jobExecutionType": "TRANSIENT",
        "cron": "0/5 * * * * ?",
        "shardingTotalCount": 5,
        "cpuCount": 0.1,
        "memoryMB": 64.0,
        "failover": True,
        "misfire": True,
    },
    TriggerRequest: {
        "jobName": "my_job",
        "jobParameter": "2026-11-22",
        "idempotencyKey": "report-2026-11-22",
    },
    RerunRequest: {"items": "failed"},
    BulkRequest: {"action": "disable", "filter": {"appName": "my_app"}, "dryRun": True},
}
