"""Stores for tests, open and with a leader, or refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from elasticjob_cloud.model.errors import StartError
from elasticjob_cloud.store import SqlStore


@contextmanager
def opened(url: str) -> Iterator[SqlStore]:
    """Open a store, its schema up to date."""
    store = SqlStore(url)
    try:
        store.migrate()
        yield store
    finally:
        store.close()


def lead(store: SqlStore, seconds: float = 60) -> int:
    """Take the lead, and give the epoch."""
    epoch = store.acquire_lease("test", "", seconds)
    assert epoch is not None
    return epoch


def refusal(url: str) -> str:
    """Give what is said when a database cannot be used."""
    with pytest.raises(StartError) as raised, opened(url):
        pass
    return str(raised.value)
