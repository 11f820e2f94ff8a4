"""What a term begins with: the record as it is now, and not as some server still has it."""

from collections.abc import Awaitable, Callable
from typing import Any

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.lineage import BegunTerm, Lineage
from elasticjob_cloud.model.records import Snapshot
from elasticjob_cloud.store import Store

_OLD_RECORD = (
    "The database gave an older record than the one that is written to: it has failed over, and readers were still at the "
    "former server. All sessions are opened again."
)
InThread = Callable[..., Awaitable[Any]]


async def load_record(
    store: Store, epoch: int, write: InThread, load: InThread
) -> tuple[Snapshot, Lineage] | None:
    """Load what this epoch goes on from; None when it leads no more.

    Args:
        store: The database.
        epoch: The term's.
        write: Has a call made in the thread that writes.
        load: Has a call made in a thread that may take long.

    Raises:
        StoreUnavailableError: also when the record that was loaded is not the present one.
    """
    begun: BegunTerm | None = await write(store.begin_term, epoch)
    if begun is None:
        return None
    snapshot: Snapshot = await load(store.load)
    if not is_present(snapshot, begun):
        # What was fired since would be fired again.
        await write(store.reconnect)
        raise StoreUnavailableError(_OLD_RECORD)
    return snapshot, begun.lineage


def is_present(snapshot: Snapshot, begun: BegunTerm) -> bool:
    """Tell whether the snapshot has what was written last before it."""
    return snapshot.load_mark == begun.load_mark
