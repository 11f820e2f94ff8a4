"""What the end of a store leaves behind."""

import gc
import threading
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.store import SqlStore
from tests.contract.store.factories import EMPTY_DATABASES

_SECONDS = 20


@pytest.mark.parametrize("database", EMPTY_DATABASES.values(), ids=EMPTY_DATABASES)
def test_query_that_is_under_way_is_waited_for_so_that_no_connection_stays_open(
    database: Callable[[], AbstractContextManager[str]],
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def read(store: SqlStore) -> None:
        with store._read() as connection:
            connection.exec_driver_sql("SELECT 1 FROM app").fetchall()
            begun.set()
            goes_on.wait(_SECONDS)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()  # what other tests left is not this one's
    with database() as url:
        store = SqlStore(url)
        store.migrate()
        reader = threading.Thread(target=read, args=(store,))
        reader.start()
        assert begun.wait(_SECONDS)
        closer = threading.Thread(target=store.close)
        closer.start()
        closer.join(0.2)  # what must not happen has no event to wait for
        assert closer.is_alive()
        with pytest.raises(StoreUnavailableError, match="closed"):
            store.leader()
        goes_on.set()
        for thread in (reader, closer):
            thread.join(_SECONDS)
            assert not thread.is_alive()
        if url.startswith("sqlite"):
            log = Path(f"{url.removeprefix('sqlite:///')}-wal")
            assert not log.exists() or log.stat().st_size == 0, "a copy of the database's file is not whole"
        del store, reader, closer
        gc.collect()  # a connection that is still open says so now, and pytest makes an error of it
