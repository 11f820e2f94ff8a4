"""File descriptors 1 and 2 of a worker process: they belong to the shard that it runs.

So what C code writes, and every process that the shard starts, is in its output, too.
"""

import contextlib
import os

from elasticjob_cloud.sdk.descriptors import duplicate_high, identify
from elasticjob_cloud.sdk.shard import ShardOutput
from elasticjob_cloud.sdk.shard_streams import STREAM_NAMES, Routing


class ShardDescriptors:
    """Leads them to a shard's output, and back."""

    def __init__(self) -> None:
        self._own: dict[int, int] = {}
        for name, descriptor in zip(STREAM_NAMES, (1, 2), strict=True):
            with contextlib.suppress(OSError):  # closed: then there is nothing to come back to
                kept = duplicate_high(descriptor)
                self._own[descriptor] = kept
                if Routing.active is not None:
                    Routing.active.own[name].move(kept)
        self._identities = {kept: identify(kept) for kept in self._own.values()}

    def lead(self, output: ShardOutput) -> None:
        """Lead them to a shard's output."""
        for name, descriptor in zip(STREAM_NAMES, (1, 2), strict=True):
            file = output.fileno(name)
            if file is not None and descriptor in self._own:
                os.dup2(file, descriptor)

    def restore(self) -> bool:
        """Lead them back; False if job code has closed the way back."""
        for descriptor, kept in self._own.items():
            if identify(kept) != self._identities[kept]:
                return False
            os.dup2(kept, descriptor)
        return True
