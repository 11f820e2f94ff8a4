"""What the scheduler measures of its surroundings and tells the core."""

import msgspec

from elasticjob_cloud.model.disks import Disk


class CommitTook(msgspec.Struct, frozen=True):
    """A commit took so long."""

    milliseconds: int


class DiskMeasured(msgspec.Struct, frozen=True):
    """A disk of the scheduler's host."""

    host: str
    disk: Disk


Measurement = CommitTook | DiskMeasured
