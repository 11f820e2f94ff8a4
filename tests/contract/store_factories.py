"""How the stores that must pass the suite are made. A new one adds itself to `STORE_FACTORIES`."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from elasticjob_cloud.store import SqlStore, Store
from tests.postgres_databases import new_database

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


@contextmanager
def postgresql_stores() -> Iterator[StoreOpener]:
    """A new database on the server that all tests share, gone at the end."""
    stores: list[Store] = []
    with new_database() as url:

        def open_store() -> Store:
            store = SqlStore(url)
            stores.append(store)
            store.migrate()
            return store

        try:
            yield open_store
        finally:
            for store in stores:
                store.close()


STORE_FACTORIES: dict[str, StoreFactory] = {"postgresql": postgresql_stores, "sqlite": sqlite_stores}
