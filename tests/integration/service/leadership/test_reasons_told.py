"""Why a scheduler cannot lead, or does not know who does: where people look, and not in its log alone."""

from pathlib import Path
from typing import Any, cast

import pytest

from elasticjob_cloud.model.errors import NotLeadingError, StoreUnavailableError
from elasticjob_cloud.model.output.excerpt import cause_in
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.leadership.directory import LeaderDirectory
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from elasticjob_cloud.store.contract import SchedulerRow
from tests.integration.api.forwarding_leaders import APP, KnownLeader, standby
from tests.integration.service.instant_engine import InstantEngine
from tests.waiting import until

_SECONDS = 60
FULL = "The database db/cloud has no connection left for us. Raise max_connections, or end other programs' connections."


class FullStore(SqlStore):
    """A real store that has no connection left while `has_no_connection`."""

    has_no_connection = False

    def acquire_lease(
        self, scheduler_id: str, address: str, lease_seconds: float, *, steal: bool = False
    ) -> int | None:
        self._check_room()
        return super().acquire_lease(scheduler_id, address, lease_seconds, steal=steal)

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        self._check_room()
        return super().renew_lease(epoch, lease_seconds)

    def _check_room(self) -> None:
        if self.has_no_connection:
            raise StoreUnavailableError(FULL)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.slow
async def test_scheduler_that_cannot_ask_for_the_lead_says_what_the_database_said(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'cloud.db'}"
    store = FullStore(url)
    scheduler = Scheduler(
        store,
        InstantEngine(),
        CoreSettings(),
        LeadershipSettings("http://127.0.0.1:1", lease_seconds=1),
        database_url=url,
    )
    store.has_no_connection = True
    try:
        await scheduler.start()
        await until(lambda: FULL in str(scheduler.not_ready_reason()), "it is not ready, and says why")
        with pytest.raises(NotLeadingError, match="no connection left for us"):
            await scheduler.jobs()
        store.has_no_connection = False
        await until(lambda: scheduler.not_ready_reason() is None, "it is ready")
    finally:
        await scheduler.stop()


@pytest.mark.anyio
async def test_standby_whose_database_fails_says_so_and_who_led_last() -> None:
    row = SchedulerRow("other", "http://127.0.0.1:2", leader=True, epoch=3)
    answers: list[Any] = [row, StoreUnavailableError(FULL), None]

    async def look() -> SchedulerRow | None:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return cast("SchedulerRow | None", answer)

    async def nobody() -> list[SchedulerRow]:
        return []

    directory = LeaderDirectory("own", lambda: False, lambda: False, look, nobody, lambda: None)

    async def look_again() -> bool:
        directory._answered_at = float("-inf")
        return await directory.leader_elsewhere() is not None

    assert await look_again()
    assert directory.trouble is None
    assert not await look_again()
    assert str(directory.trouble) == f"{FULL} other at http://127.0.0.1:2 led 0 s ago."
    assert not await look_again()
    assert directory.trouble is None, "the database has said that nobody leads"


def test_call_that_nobody_can_answer_is_told_why() -> None:
    known = KnownLeader()
    known.is_expected = False
    known.trouble = FULL
    with standby(known) as client:
        given = client.post("/api/app", json=APP)
    assert given.status_code == 503
    assert given.json()["message"].endswith(FULL)


@pytest.mark.parametrize(
    "text,cause",
    [
        ("", ""),
        ("Another agent has /a.\n", "Another agent has /a."),
        (
            (
                'Traceback (most recent call last):\n  File "/a.py", line 1, in main\n    run()\n'
                "OSError: [Errno 28] No space left on device: '/a/processes.journal'\n"
            ),
            "OSError: [Errno 28] No space left on device: '/a/processes.journal'",
        ),
        (
            (
                "The actor died because of an error raised in its creation task, \x1b[36mray::Relay.__init__()\x1b[39m\n"
                '  File "/relay.py", line 37, in __init__\n'
                "StartError: The agents' directory /a cannot be written: [Errno 28] No space left on device"
            ),
            "StartError: The agents' directory /a cannot be written: [Errno 28] No space left on device",
        ),
        (
            "The actor died unexpectedly before finishing this task.\n\tclass_name: Relay",
            "The actor died unexpectedly before finishing this task.",
        ),
    ],
)
def test_cause_is_the_line_that_names_it(text: str, cause: str) -> None:
    assert cause_in(text) == cause
