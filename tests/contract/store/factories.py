"""How the stores that must pass the suite are made. A new one adds itself to `STORE_FACTORIES`."""

import atexit
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from elasticjob_cloud.store import SqlStore, Store
from tests.postgres.databases import lent_database, new_database

# Called as often as wanted, it gives stores of one and the same database, as several schedulers have them.
StoreOpener = Callable[[], Store]
StoreFactory = Callable[[], AbstractContextManager[StoreOpener]]


@contextmanager
def sqlite_database() -> Iterator[str]:
    """The URL of an SQLite file that is not there yet, gone at the end."""
    with TemporaryDirectory(prefix="store-") as directory:
        yield f"sqlite:///{Path(directory) / 'cloud.db'}"


@contextmanager
def migrated_sqlite_database() -> Iterator[str]:
    """The URL of an SQLite file that has the schema of this version, gone at the end."""
    with TemporaryDirectory(prefix="store-") as directory:
        copy = shutil.copy(_migrated_file(), Path(directory) / "cloud.db")
        yield f"sqlite:///{copy}"


@cache
def _migrated_file() -> Path:
    """Make the file that the others are copies of, which takes a fifth of migrating each."""
    directory = TemporaryDirectory(prefix="store-")
    atexit.register(directory.cleanup)
    file = Path(directory.name) / "migrated.db"
    store = SqlStore(f"sqlite:///{file}")
    store.migrate()
    store.close()
    return file


def postgresql_database() -> AbstractContextManager[str]:
    """The URL of an empty database on the server that all tests share, gone at the end."""
    return new_database(is_migrated=False)


@contextmanager
def stores_of(database: Callable[[], AbstractContextManager[str]]) -> Iterator[StoreOpener]:
    """Stores of one database, closed at the end."""
    stores: list[Store] = []
    with database() as url:

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


EMPTY_DATABASES: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "postgresql": postgresql_database,
    "sqlite": sqlite_database,
}
STORE_FACTORIES: dict[str, StoreFactory] = {
    "postgresql": partial(stores_of, lent_database),
    "sqlite": partial(stores_of, migrated_sqlite_database),
}
