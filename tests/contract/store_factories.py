"""How the stores that must pass the suite are made. A new one adds itself to `STORE_FACTORIES`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from elasticjob_cloud.store import SqlStore, Store

# Called as often as wanted, it gives stores of one and the same database, as several schedulers have them.
StoreOpener = Callable[[], Store]
StoreFactory = Callable[[], AbstractContextManager[StoreOpener]]


@contextmanager
def sqlite_stores() -> Iterator[StoreOpener]:
    """A new SQLite file, gone at the end."""
    stores: list[Store] = []
    with TemporaryDirectory(prefix="store-") as directory:

        def open_store() -> Store:
            store = SqlStore(f"sqlite:///{Path(directory) / 'cloud.db'}")
            stores.append(store)
            store.migrate()
            return store

        try:
            yield open_store
        finally:
            for store in stores:
                store.close()


STORE_FACTORIES: dict[str, StoreFactory] = {"sqlite": sqlite_stores}
