"""What a cache knows of a URL, and the question to its server that several callers wait for. On the loop's thread."""

import asyncio

from elasticjob_cloud.agent.apps.limits import AppLimits
from elasticjob_cloud.agent.apps.versions.version import Version


class Flight:
    """A question to the server, and the download if need be. It goes on as long as one of its callers waits.

    When the server is slow to answer and a version is cached, the callers take that, and the flight goes on alone, so
    that the next ones find what it brings.
    """

    def __init__(self, limits: AppLimits, now: float) -> None:
        # Where an answer counts as none soon after, the flight is over then.
        is_short = limits.revalidate_timeout_seconds <= limits.answer_wait_seconds
        self.patient_until = float("inf") if is_short else now + limits.answer_wait_seconds
        """By the loop's clock: so long callers wait for the server to say whether the app changed."""
        self.answered = asyncio.Event()
        """Set when it said so, or when the flight is over."""
        self.waiters = 0
        self.goes_on_alone = False
        self.has_landed = False
        self._task: asyncio.Task[Version] | None = None

    @property
    def task(self) -> asyncio.Task[Version]:
        assert self._task is not None, "it is started where it is made"
        return self._task

    def start(self, task: asyncio.Task[Version]) -> None:
        self._task = task
        task.add_done_callback(lambda _: self.answered.set())

    async def is_answered(self) -> bool:
        """Wait for the server's answer as long as is bearable."""
        try:
            async with asyncio.timeout_at(self.patient_until):
                await self.answered.wait()
        except TimeoutError:
            return self.answered.is_set()
        return True


class Entry:
    """What is known of a URL."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.app_names: set[str] = set()
        self.version: Version | None = None
        self.failure: str | None = None
        self.valid_until = float("-inf")
        """Until then, `version` or `failure` is the answer."""
        self.flight: Flight | None = None
        self.renewal: asyncio.Task[None] | None = None
        """Extracts the version again, though nobody wants it now."""
        self.is_change_told = False
        """Whether it was said that its tasks change its files."""

    @property
    def is_asked(self) -> bool:
        """Whether its server is being asked."""
        return self.flight is not None and not self.flight.task.done()

    def settle_on(self, version: Version | None, failure: str | None, valid_until: float) -> None:
        self.version, self.failure, self.valid_until = version, failure, valid_until


class Entries(dict[str, Entry]):
    """The entries of a cache, by the key of their URL."""

    def claim(self, key: str, now: float) -> Entry:
        """Give the entry of a URL, which may be new."""
        entry = self.get(key)
        if entry is not None:
            return entry
        # The place to drop remembered failures, which come one for each URL at most.
        for old in list(self.values()):
            if old.version is None and old.flight is None and old.valid_until < now:
                del self[old.key]
        entry = self[key] = Entry(key)
        return entry

    def plan_eviction(self, over_bytes: int, limit_bytes: int) -> tuple[list[Entry], list[Entry]]:
        """Choose what to do when there is so much too much.

        Returns: those whose folder jobs have filled, to be extracted again; those to be dropped, least recently used
            first. Nobody holds or asks for either.
        """
        idle = [
            (entry.version, entry)
            for entry in self.values()
            if entry.version is not None and not entry.version.holders and entry.flight is None
        ]
        # What is being extracted again, and so is held, gives its room back soon.
        over_bytes -= sum(
            version.disk_bytes - version.record.disk_bytes
            for entry in self.values()
            if entry.renewal is not None
            and (version := entry.version) is not None
            and version.holders
            and version.outgrows(limit_bytes)
        )
        filled, dropped = [], []
        for version, entry in sorted(
            idle, key=lambda row: (not row[0].outgrows(limit_bytes), row[0].used_ns)
        ):
            if over_bytes <= 0:
                break
            # The app itself is kept: its server may be down when it is needed next.
            if version.outgrows(limit_bytes) and version.record.disk_bytes <= limit_bytes:
                filled.append(entry)
                over_bytes -= version.disk_bytes - version.record.disk_bytes
            else:
                dropped.append(entry)
                over_bytes -= version.disk_bytes
        return filled, dropped
