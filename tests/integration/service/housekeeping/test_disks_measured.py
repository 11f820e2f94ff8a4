"""How full the scheduler's disks are, measured on a real one."""

import asyncio
import os
from pathlib import Path

from elasticjob_cloud.scheduling.measurements import DiskMeasured
from elasticjob_cloud.service.housekeeping.disk_watch import DiskWatch
from elasticjob_cloud.service.threads.store_threads import StoreThreads


def test_disk_is_measured_though_another_directory_is_missing(tmp_path: Path) -> None:
    async def measure() -> DiskMeasured:
        measured: asyncio.Queue[DiskMeasured] = asyncio.Queue()
        directories = (str(tmp_path / "none"), str(tmp_path))
        watch = DiskWatch("host", directories, StoreThreads(), measured.put_nowait)
        watching = asyncio.create_task(watch.watch())
        try:
            return await asyncio.wait_for(measured.get(), 20)
        finally:
            watching.cancel()

    found = asyncio.run(measure())
    assert found.host == "host"
    assert os.path.ismount(found.disk.mount_point)
    assert tmp_path.is_relative_to(found.disk.mount_point)
    assert 0 < found.disk.free_mb < found.disk.total_mb
