"""Sees when another term of a leader begins, while other things happen."""

import threading
import time

from tests.chaos.cluster import Cluster

_LOOK_SECONDS = 0.1


class LeadWatch:
    """Looks at the database's lease in a thread of its own, from now on until another epoch is there."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        before = cluster.lead()
        self._epoch_before = before.epoch if before is not None else 0
        self._began = time.monotonic()
        self._seen_after = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lead watch")
        self._thread.start()

    def stop(self) -> float:
        """Look no more; give after how many seconds another term was seen, 0 if there was none."""
        self._ended.set()
        self._thread.join()
        return self._seen_after

    def _run(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            lead = self._cluster.lead()
            if lead is not None and lead.epoch > self._epoch_before:
                self._seen_after = time.monotonic() - self._began
                return
