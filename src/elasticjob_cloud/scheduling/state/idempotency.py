"""Idempotency keys of triggers: a key that is repeated within a day stands for the run that it started the first time."""

from collections.abc import Mapping
from typing import Final

from elasticjob_cloud.model.records import IdempotencyKey

KEYS_HOLD_MS: Final = 86_400_000


class IdempotencyKeys:
    """The run of each key, as far back as keys hold, the oldest first. They are recorded with their fires."""

    def __init__(self, known: Mapping[IdempotencyKey, tuple[int, int]] | None = None) -> None:
        self._runs = dict(known or {})

    def run_id(self, key: IdempotencyKey, now_ms: int) -> int | None:
        """Give the run that a key started, while it holds."""
        found = self._runs.get(key)
        return None if found is None or now_ms - found[1] >= KEYS_HOLD_MS else found[0]

    def put(self, key: IdempotencyKey, run_id: int, recorded_ms: int) -> None:
        """Note the run that a key started, and forget the keys that hold no more."""
        self._runs.pop(key, None)
        self._runs[key] = (run_id, recorded_ms)
        for old in self._old_keys(recorded_ms):
            del self._runs[old]

    def _old_keys(self, now_ms: int) -> list[IdempotencyKey]:
        old = []
        for key, (_, recorded_ms) in self._runs.items():
            if now_ms - recorded_ms < KEYS_HOLD_MS:
                break
            old.append(key)
        return old
