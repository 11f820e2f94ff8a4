"""A small app of three jobs.

Try one without any server, in this folder:

elasticjob-cloud run-local shop:CountOrders --shards 3 --parameters "0=Beijing,1=Shanghai,2=Guangzhou"
"""

import asyncio
import logging
from pathlib import Path

from elasticjob_cloud import ShardingContext, SimpleJob, current_task

logger = logging.getLogger("shop")

ORDERS = {"Beijing": [12, 7, 30], "Shanghai": [99], "Guangzhou": [5, 5]}


class CountOrders(SimpleJob):
    """Each shard takes one city: shardingItemParameters names it."""

    def execute(self, context: ShardingContext) -> None:
        city = context.sharding_parameter
        orders = ORDERS.get(city, [])
        logger.info("counting %s", city or "nothing")
        print(f"{city or 'no city'}: {len(orders)} orders, {sum(orders)} yuan")


async def check_suppliers(context: ShardingContext) -> None:
    """An async job: shards that wait for the network share one thread."""
    for supplier in range(context.sharding_item, 6, context.sharding_total_count):
        await asyncio.sleep(0.05)
        print(f"supplier {supplier} answers")


def delete_old_files(context: ShardingContext) -> None:
    """A plain function: deletes the shard's part of the files of the folder that jobParameter names."""
    folder = Path(context.job_parameter or ".")
    files = sorted(path for path in folder.glob("*.tmp") if path.is_file())
    for file in files[context.sharding_item :: context.sharding_total_count]:
        if current_task().killed:
            return
        file.unlink()
        print(f"deleted {file.name}")
