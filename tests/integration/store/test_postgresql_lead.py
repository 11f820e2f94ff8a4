"""The lead on PostgreSQL: commits and those who seek the lead exclude each other, and a frozen leader is no obstacle."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from elasticjob_cloud.model.queries.history import HistoryQuery
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import SqlStore
from tests.contract.store import samples
from tests.integration.store.opened_stores import lead, opened
from tests.integration.store.store_calls import DEADLINE_SECONDS, Call, when_available
from tests.integration.store.store_children import child, said
from tests.postgres.databases import lent_database

APP = Changes(apps={"app": samples.app()})


@pytest.fixture
def url() -> Iterator[str]:
    with lent_database() as url:
        yield url


@contextmanager
def held_before_commit(store: SqlStore) -> Iterator[threading.Event]:
    """Hold up the next COMMIT of a store until the context ends; the event tells that it came so far."""
    reached, go_on = threading.Event(), threading.Event()

    def hold(_: Any) -> None:
        reached.set()
        assert go_on.wait(DEADLINE_SECONDS)

    event.listen(store._database.writer, "commit", hold, once=True)
    try:
        yield reached
    finally:
        go_on.set()


def wait_for_the_lock(url: str) -> None:
    """Wait until a session of this database waits for another's lock."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as watcher:
        assert when_available(
            lambda: watcher.execute(waiting).fetchone(), "a session waits for another's lock"
        )


def test_who_seeks_the_lead_waits_for_a_commit_that_checked_its_epoch(url: str) -> None:
    with opened(url) as leader, opened(url) as rival:
        epoch = lead(leader, seconds=0)
        with held_before_commit(leader) as reached:
            commit = Call(lambda: leader.commit(epoch, APP))
            assert reached.wait(DEADLINE_SECONDS)
            acquire = Call(lambda: rival.acquire_lease("rival", "", 60))
            wait_for_the_lock(url)
            assert acquire.is_alive(), "the lead changes while a commit of the old leader's is under way"
        assert commit.result() is True
        assert acquire.result() == epoch + 1
        assert set(rival.load().apps) == {"app"}, "the new leader sees all that the old one committed"


def test_a_commit_waits_for_who_takes_the_lead_and_writes_nothing_then(url: str) -> None:
    with opened(url) as leader, opened(url) as rival:
        epoch = lead(leader, seconds=0)
        with held_before_commit(rival) as reached:
            acquire = Call(lambda: rival.acquire_lease("rival", "", 60))
            assert reached.wait(DEADLINE_SECONDS)
            commit = Call(lambda: leader.commit(epoch, APP))
            wait_for_the_lock(url)
            assert commit.is_alive(), "a commit goes through while the lead is being taken"
        assert acquire.result() == epoch + 1
        assert commit.result() is False
        assert rival.load().apps == {}


def test_a_commit_of_who_leads_no_more_ends_at_the_check_and_asks_for_no_other_lock(url: str) -> None:
    with opened(url) as deposed, opened(url) as leader, psycopg.connect(url) as other:
        epoch = lead(deposed, seconds=0)
        assert leader.acquire_lease("leader", "", 60) == epoch + 1
        other.execute("LOCK TABLE app, task, counter")
        assert deposed.commit(epoch, APP) is False


@pytest.mark.slow
def test_a_leader_that_freezes_within_a_commit_is_followed_and_changes_nothing_when_it_wakes(
    url: str,
) -> None:
    lease_seconds = 1.0
    with opened(url) as standby, child("freeze", url, str(lease_seconds)) as frozen:
        assert said(frozen) == "freezing"
        began = time.monotonic()
        epoch = when_available(lambda: standby.acquire_lease("standby", "", 60), "the standby has the lease")
        assert time.monotonic() - began < lease_seconds + 10
        assert standby.load().fires == []
        assert standby.commit(epoch, APP)
        os.kill(frozen.pid, signal.SIGCONT)
        assert said(frozen) == "unavailable, outcome unknown: True"
        assert said(frozen) == "False"
        snapshot = standby.load()
        assert snapshot.fires == []
        assert set(snapshot.apps) == {"app"}


@pytest.mark.slow
def test_a_leader_that_freezes_while_it_prunes_holds_up_no_commit_of_the_next_leader(url: str) -> None:
    with opened(url) as standby, child("freeze-pruning", url, "1.0") as frozen:
        assert said(frozen) == "freezing"
        epoch = when_available(lambda: standby.acquire_lease("standby", "", 60), "the standby has the lease")
        assert standby.commit(epoch, Changes(status_traces=[samples.status_trace("new")]))
        os.kill(frozen.pid, signal.SIGCONT)
        assert said(frozen) == "unavailable, outcome unknown: True"
        assert standby.status_traces(HistoryQuery()).total == 4, "nothing was pruned"


def test_a_standby_makes_itself_known_while_a_leader_is_frozen_within_a_commit(url: str) -> None:
    """Else it would wait for the leader's lock, and for longer than until the lease is over."""
    with opened(url) as leader, opened(url) as standby:
        epoch = lead(leader)
        with held_before_commit(leader) as reached:
            commit = Call(lambda: leader.commit(epoch, APP))
            assert reached.wait(DEADLINE_SECONDS)
            assert standby.acquire_lease("standby", "there", 60) is None
            assert "standby" in {row.scheduler_id for row in standby.schedulers()}
        assert commit.result() is True


def test_a_standby_that_is_known_writes_nothing(url: str) -> None:
    with opened(url) as leader, opened(url) as standby, psycopg.connect(url, autocommit=True) as watcher:
        lead(leader)

        def version() -> Any:
            return watcher.execute(
                "SELECT ctid, forget_ms FROM scheduler WHERE scheduler_id = 'standby'"
            ).fetchone()

        assert standby.acquire_lease("standby", "there", 60) is None
        before = version()
        assert before is not None
        for _ in range(20):
            assert standby.acquire_lease("standby", "there", 60) is None
        assert version() == before
        assert standby.acquire_lease("standby", "moved", 60) is None
        assert version() != before
