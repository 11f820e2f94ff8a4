"""PostgreSQL fails over: a standby is promoted while the former primary lives on, read-only, with its sessions."""

from collections.abc import Iterator

import pytest

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples
from tests.integration.store.opened_stores import lead, opened
from tests.integration.store.store_calls import when_available
from tests.postgres.pair import PostgresPair
from tests.postgres.programs import PostgresMissingError

pytestmark = pytest.mark.slow
OLD = Changes(apps={"old": samples.app()})
NEW = Changes(apps={"new": samples.app()})


@pytest.fixture
def pair() -> Iterator[PostgresPair]:
    try:
        servers = PostgresPair()
    except PostgresMissingError as error:
        pytest.skip(str(error))
    with servers:
        yield servers


def open_readers(store: SqlStore) -> None:
    readers = [store._database.reader.connect() for _ in range(4)]
    for reader in readers:
        reader.close()


def test_all_sessions_go_to_the_new_primary_once_a_write_is_refused(pair: PostgresPair) -> None:
    with opened(pair.url) as store:
        epoch = lead(store)
        assert store.commit(epoch, OLD)
        open_readers(store)
        pair.wait_for_standby()
        pair.make_read_only()
        with pytest.raises(StoreUnavailableError, match="takes no writes"):
            store.commit(epoch, NEW)
        pair.promote()
        assert when_available(lambda: store.commit(epoch, NEW), "the commit succeeds")
        assert set(store.load().apps) == {"old", "new"}


def test_a_scheduler_that_only_reads_finds_the_new_primary(pair: PostgresPair) -> None:
    with opened(pair.url) as leader, opened(pair.url) as standby:
        epoch = lead(leader)
        assert standby.acquire_lease("standby", "there", 60) is None
        open_readers(standby)
        pair.wait_for_standby()
        pair.make_read_only()
        pair.promote()
        assert when_available(lambda: leader.commit(epoch, NEW), "the commit succeeds")
        assert when_available(lambda: set(standby.load().apps) == {"new"}, "the standby sees it")
        leader.release_lease(epoch)
        assert (
            when_available(lambda: standby.acquire_lease("standby", "there", 60), "the standby has the lease")
            == epoch + 1
        )


def test_readers_follow_the_writer_whose_session_alone_was_ended(pair: PostgresPair) -> None:
    with opened(pair.url) as store:
        epoch = lead(store)
        assert store.commit(epoch, OLD)
        open_readers(store)
        pair.wait_for_standby()
        # The former primary notices nothing: it goes on as one, with all sessions but the one that writes.
        pair.promote()
        store._database.writer.dispose()
        assert when_available(lambda: store.commit(epoch, NEW), "the commit succeeds")
        for _ in range(6):
            assert set(store.load().apps) == {"old", "new"}


def test_a_load_from_the_former_primary_lacks_the_mark_of_the_term(pair: PostgresPair) -> None:
    with opened(pair.url) as store, opened(pair.url) as left_behind:
        epoch = lead(store)
        open_readers(left_behind)
        pair.wait_for_standby()
        pair.promote()
        store._database.writer.dispose()
        begun = when_available(lambda: store.begin_term(epoch), "the term begins")
        assert store.load().load_mark == begun.load_mark
        assert left_behind.load().load_mark != begun.load_mark
        left_behind.reconnect()
        assert left_behind.load().load_mark == begun.load_mark


def test_commit_waits_for_the_record_to_be_loaded_again_where_a_standby_was_promoted(
    pair: PostgresPair,
) -> None:
    """It may lack what the caller has in memory."""
    with opened(pair.url) as store:
        epoch = lead(store)
        assert store.begin_term(epoch) is not None
        assert store.commit(epoch, OLD)
        pair.wait_for_standby()
        pair.promote()
        store.reconnect()
        for _ in range(2):
            with pytest.raises(StoreUnavailableError, match="another server") as raised:
                store.commit(epoch, NEW)
            assert not raised.value.outcome_unknown
        assert store.begin_term(epoch) is not None
        assert store.commit(epoch, NEW)
        assert set(store.load().apps) == {"old", "new"}
