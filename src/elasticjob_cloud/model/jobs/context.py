"""What a job is told about the shard that it runs. Standard library only: the SDK uses it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

# Kept, since making one costs as much as using it.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ShardingContext:
    """One sharding item of one run, as job code sees it.

    `sharding_parameter` is this item's part of `shardingItemParameters` (`0=Beijing,1=Shanghai`), empty where none
    was given. `task_id` names the task in the API: `jobName@-@item@-@READY@-@agentId@-@uuid`.
    """

    task_id: str
    job_name: str
    sharding_total_count: int
    sharding_item: int
    sharding_parameter: str = ""
    job_parameter: str = ""
    props: Mapping[str, str] = field(default_factory=dict)
    # Of the app's `eventTraceSamplingCount`; the last two tell of the present execution of a daemon job.
    job_event_sampling_count: int = 0
    current_job_event_sampling_count: int = 0
    allow_send_job_event: bool = True

    def to_json(self) -> str:
        """Give the JSON object that script jobs get as last argument and HTTP jobs as header (semantics, script jobs)."""
        return _encode(
            {
                "taskId": self.task_id,
                "jobName": self.job_name,
                "shardingTotalCount": self.sharding_total_count,
                "jobParameter": self.job_parameter,
                "shardingItemParameters": {str(self.sharding_item): self.sharding_parameter},
                "jobEventSamplingCount": self.job_event_sampling_count,
                "currentJobEventSamplingCount": self.current_job_event_sampling_count,
                "allowSendJobEvent": self.allow_send_job_event,
            }
        )

    def environment(self) -> dict[str, str]:
        """Give the environment variables that script tasks find the same facts in."""
        return {
            "ELASTICJOB_TASK_ID": self.task_id,
            "ELASTICJOB_JOB_NAME": self.job_name,
            "ELASTICJOB_SHARDING_ITEM": str(self.sharding_item),
            "ELASTICJOB_SHARDING_PARAMETER": self.sharding_parameter,
            "ELASTICJOB_SHARDING_TOTAL_COUNT": str(self.sharding_total_count),
            "ELASTICJOB_JOB_PARAMETER": self.job_parameter,
        }
