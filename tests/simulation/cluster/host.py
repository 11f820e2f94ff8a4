"""A machine with a scheduler on it: one life after another, each a process that may freeze or be killed."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from elasticjob_cloud.model.errors import UnavailableError
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Core, CoreSettings
from elasticjob_cloud.service.housekeeping.placement_watch import PlacementWatch
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.leader import Leader
from elasticjob_cloud.service.leadership.surroundings import Surroundings
from elasticjob_cloud.service.metrics.metrics import Metrics
from tests.simulation.cluster.agent import FENCE_SETTINGS
from tests.simulation.cluster.engine import ClusterEngine
from tests.simulation.cluster.store import DatabaseConnection, SharedDatabase
from tests.simulation.cluster.turn_times import TurnTimes
from tests.simulation.virtual_time import FOREVER, DelayingExecutor, Process

if TYPE_CHECKING:
    from tests.simulation.cluster.cluster import Cluster

T = TypeVar("T")
LEASE_SECONDS = 4.0
_HANGS_SECONDS = (0.0, 1.0, 5.0)  # before a database that cannot be reached is given up


class Host:
    """A scheduler's machine."""

    def __init__(self, world: "Cluster", name: str, database: SharedDatabase) -> None:
        self.world = world
        self.name = name
        self.database = database
        self.old_record: Snapshot | None = None  # that its readers still see: the database has failed over
        self._readers_follow_at = 0.0
        self.turn_times = TurnTimes()
        self.database_away_until = 0.0
        self._hangs_seconds: tuple[float, ...] = _HANGS_SECONDS
        self.process: Process
        self.processes: list[Process] = []
        self.engine: ClusterEngine
        self.metrics = Metrics()
        self.leader: Leader | None = None
        self._task: asyncio.Task[None]
        self._watch: asyncio.Task[None] | None = None
        self._writer: DelayingExecutor
        self._loader: DelayingExecutor
        self.boot()

    @property
    def leads(self) -> bool:
        """Whether it would answer users."""
        return self.leader is not None and self.leader.leads and not self.is_frozen

    @property
    def is_frozen(self) -> bool:
        """Whether its scheduler stands still."""
        return self.process.frozen_until > self.world.loop.time()

    @property
    def database_call_is_under_way(self) -> bool:
        """Whether the database was asked and has not answered."""
        return self._writer.busy or self._loader.busy

    def boot(self) -> None:
        """Start a scheduler, if none runs."""
        if self.leader is not None:
            return
        self.world.log(f"{self.name} boots")
        self.process = Process()
        self.processes.append(self.process)
        self.engine = ClusterEngine(self.world, self, self.world.random.choice(FENCE_SETTINGS))
        life = f"{self.name}-{self.world.random.getrandbits(16):04x}"
        self._task = self.process.context.run(self._start, life)

    def _start(self, life: str) -> "asyncio.Task[None]":
        self._writer, self._loader = (
            DelayingExecutor(self.world.loop, self.process, self._delay) for _ in range(2)
        )
        self.leader = Leader(
            Candidate(life, life, LEASE_SECONDS),
            DatabaseConnection(self.database, self),  # type: ignore[arg-type]  # of the store, what a leader uses
            self.engine,
            CoreSettings(
                time_zone="UTC", placement=self.world.placement, release_idle_ms=self.world.release_idle_ms
            ),
            Surroundings(self.world.read_clock, self.world.new_id, self._writer, self._loader),
            self.metrics,
            self._check,
            self.turn_times,
        )
        if self.world.release_idle_ms:
            watch = PlacementWatch(self._query, self.metrics, self.engine.want_room)
            self._watch = self.world.loop.create_task(watch.watch(), context=self.process.context)
        return self.world.loop.create_task(self.leader.run(), context=self.process.context)

    async def _query(self, read: Callable[[Core], T]) -> T:
        if self.leader is None or self.leader.loop is None:
            raise UnavailableError(f"{self.name} does not lead.")
        return await self.leader.loop.query(read)

    def crash(self) -> None:
        """Kill the scheduler, wherever it is."""
        self.world.log(f"{self.name} crashes")
        self.process.frozen_until = FOREVER
        self.leader = None

    def freeze(self, seconds: float) -> None:
        """Stop the process for a while; it does not notice. A call to the database that is under way is carried out."""
        self.world.log(f"{self.name} freezes for {seconds} s")
        self.process.frozen_until = self.world.loop.time() + seconds

    def lose_database(self, seconds: float, hangs_seconds: tuple[float, ...] = _HANGS_SECONDS) -> None:
        """Cut it off from the database for a while; `hangs_seconds`: how long a call may take to be given up, twice."""
        self.world.log(f"{self.name} does not reach the database for {seconds} s")
        self.database_away_until = self.world.loop.time() + seconds
        self._hangs_seconds = hangs_seconds

    def leave_readers_behind(self, seconds: float) -> None:
        """Have its readers see the record of this moment for so long, and until all sessions are opened again."""
        self.world.log(f"the readers of {self.name} stay behind")
        self.old_record = self.database.rows.load()
        self._readers_follow_at = self.world.loop.time() + seconds

    def reconnect(self) -> None:
        """Open all sessions again."""
        if self._readers_follow_at <= self.world.loop.time():
            self.old_record = None

    def retire(self) -> None:
        """Stop the scheduler cleanly (SIGTERM)."""
        leader = self.leader
        if leader is None:
            return
        self.world.log(f"{self.name} retires")
        task, watch = self._task, self._watch

        async def stop() -> None:
            leader.stop()
            await asyncio.wait({task})
            await leader.leave()
            if watch is not None:
                watch.cancel()
            if self.leader is leader:
                self.leader = None

        self.world.loop.create_task(stop(), context=self.process.context)

    def failure(self) -> BaseException | None:
        """Give what ended the leader, if anything but a crash did."""
        if self._task.done() and not self._task.cancelled():
            return self._task.exception()
        return None

    def reaches_database(self) -> bool:
        """Whether what it asks of the database arrives there."""
        return self.database_away_until <= self.world.loop.time()

    def _delay(self) -> float:
        hang = 0.0 if self.reaches_database() else self.world.random.choice(self._hangs_seconds)
        return hang + self.world.random.randrange(1, 8) / 1000

    def _check(self, changes: Changes) -> None:
        if self.leader is not None and self.leader.core is not None:
            self.database.checker.check_room(self.leader.core)
