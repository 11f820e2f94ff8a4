"""Standing by: a scheduler without the lead asks for it until it has it."""

import asyncio

import structlog

from elasticjob_cloud.model.errors import BugError, UnavailableError
from elasticjob_cloud.service.leadership.lease import Lease
from elasticjob_cloud.service.leadership.parts import LeaderParts
from elasticjob_cloud.service.leadership.surroundings import end_task

_log = structlog.get_logger(__name__)
ASK_SECONDS = 0.25


class Candidacy:
    """Asks for the lead, and keeps the engine ready meanwhile."""

    def __init__(self, parts: LeaderParts) -> None:
        self._parts = parts
        self._has_led = False
        self._refused_at: float | None = None  # when another was last said to lead

    def another_leads(self, within_seconds: float) -> bool:
        """Tell whether the database has said, so recently, that another scheduler leads."""
        now = self._parts.surroundings.read_seconds()
        return self._refused_at is not None and now - self._refused_at < within_seconds

    async def seek(self) -> Lease | None:
        """Ask until the lead is ours; None when stopped."""
        parts = self._parts
        preparing: asyncio.Task[None] | None = None
        if self._has_led:
            # During the first question, which takes long where the database hangs; agents wait for the next term.
            preparing = self._start_to_prepare()
        try:
            while not parts.stop.is_sent:
                lease = await self._ask()
                if lease is not None:
                    return lease
                preparing = preparing or self._start_to_prepare()
                parts.settled.set()
                await parts.stop.pause(ASK_SECONDS)
            return None
        finally:
            if preparing is not None:
                await end_task(preparing)

    def _start_to_prepare(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._parts.engine_terms.prepare(), name="prepare")

    async def _ask(self) -> Lease | None:
        parts = self._parts
        if await parts.clocks.look() is not None:
            return None
        asked_at = parts.surroundings.read_seconds()
        try:
            epoch = await parts.surroundings.write(self._acquire)
        except (UnavailableError, BugError) as error:
            parts.trouble.note_failed_question(error)
            return None
        parts.trouble.database_error = None
        if epoch is None:
            if self._refused_at is None:
                _log.info("Standing by: another scheduler leads.")
            self._refused_at = parts.surroundings.read_seconds()
            return None
        self._refused_at = None
        return Lease(
            epoch,
            asked_at,
            parts.candidate.lease_seconds,
            parts.surroundings.read_seconds,
            parts.engine.lead_until,
            alone=parts.candidate.alone,
        )

    def _acquire(self) -> int | None:
        candidate = self._parts.candidate
        # A scheduler that was deposed has to wait like all others.
        steal = candidate.alone and not self._has_led
        epoch = self._parts.store.acquire_lease(
            candidate.scheduler_id, candidate.address, candidate.lease_seconds, steal=steal
        )
        self._has_led = self._has_led or epoch is not None
        return epoch
