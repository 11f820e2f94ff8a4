"""A Python job: the executor is started once by `python -m elasticjob_cloud`, and then runs one shard after another."""

import logging
import random

from elasticjob_cloud import ShardingContext, SimpleJob

_log = logging.getLogger("demo.report")


class ReportJob(SimpleJob):
    """Adds up some numbers of its shard's region."""

    def execute(self, context: ShardingContext) -> None:
        """Print and log: both land in this task's output."""
        total = sum(random.randrange(100) for _ in range(1_000))
        _log.info("counting the sales of %s", context.sharding_parameter)
        print(f"{context.sharding_parameter} sold {total} (run {context.task_id})")
