"""A small app of four jobs.

Try one without any server, in this folder:

elasticjob-cloud run-local shop:CountOrders --shards 3 --parameters "0=Beijing,1=Shanghai,2=Guangzhou"
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from elasticjob_cloud import DataflowJob, ShardingContext, SimpleJob, current_task

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


class ShipOrders(DataflowJob[Path]):
    """A dataflow: with `streaming.process=true` in props, it goes on until no order is left for this shard.

    Orders are the files `*.order` of the folder that jobParameter names.
    """

    def fetch_data(self, context: ShardingContext) -> Sequence[Path]:
        orders = sorted(Path(context.job_parameter or ".").glob("*.order"))
        count = context.sharding_total_count
        return [order for order in orders if crc32(order.name.encode()) % count == context.sharding_item][:10]

    def process_data(self, context: ShardingContext, data: Sequence[Path]) -> None:
        print(f"shard {context.sharding_item} ships {len(data)} orders")
        for order in data:
            order.rename(order.with_suffix(".shipped"))  # or it would be fetched again, for ever
