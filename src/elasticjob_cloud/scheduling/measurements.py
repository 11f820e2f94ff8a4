"""What the scheduler measures of its surroundings and tells the core."""

import msgspec


class CommitTook(msgspec.Struct, frozen=True):
    """A commit took so long."""

    milliseconds: int


class DiskMeasured(msgspec.Struct, frozen=True):
    """So much of the disk is free that holds a directory of a host."""

    host: str
    directory: str
    free_percent: float


Measurement = CommitTook | DiskMeasured
