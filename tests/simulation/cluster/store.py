"""One database that two schedulers share: the memory store with a lease, seen by each through a connection of its own."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from elasticjob_cloud.model.errors import StoreUnavailableError
from elasticjob_cloud.model.fire import FireSource
from elasticjob_cloud.model.lineage import BegunTerm, Lineage, Term
from elasticjob_cloud.model.records import Changes, Snapshot
from elasticjob_cloud.scheduling import Decisions
from elasticjob_cloud.scheduling.commands import ApiCommand, TriggerJob
from elasticjob_cloud.store.contract import SchedulerRow
from tests.simulation.checking.alert_checker import AlertChecker
from tests.simulation.checking.checker import Checker
from tests.simulation.store_model import MemoryStore

if TYPE_CHECKING:
    from tests.simulation.cluster.host import Host

T = TypeVar("T")
_FORGOTTEN_MS = 12_000  # three leases


class ClusterChecker(Checker):
    """As in one scheduler's world, but an accepted trigger is one that was answered: more may be recorded."""

    turns_are_known = False

    def accept(self, command: ApiCommand, run_id: int | None) -> None:
        """A command was answered with success."""
        if self.runs.accept(command, run_id) and isinstance(command, TriggerJob):
            self._accepted_triggers[command.job_name] += 1

    def _check_triggers(self) -> None:
        fires = self.store.fires.values()
        recorded = Counter(fire.job_name for fire in fires if fire.source is FireSource.TRIGGER)
        missing = self._accepted_triggers - recorded
        assert not missing, f"promise 7: a trigger was answered and is not recorded: {missing}"


class SharedDatabase:
    """The rows and the lease. Mutants switch `checks_epoch` off, here and in the agents, and `remembers_lost`."""

    checks_epoch = True
    remembers_lost = True

    def __init__(self, read_ms: Callable[[], float]) -> None:
        self.rows = MemoryStore()
        self.checker = ClusterChecker(self.rows)
        self.alert_checker: AlertChecker | None = AlertChecker(self.rows)
        self.terms: tuple[Term, ...] = ()
        self._tokens = "original"
        self.epoch = 0
        self.asked = 0  # how often for the lease
        self._holder = ""
        self._asked_ms: dict[str, float] = {}  # when each scheduler last asked for the lease
        self._expires_ms = 0.0
        self._lost_seconds = 0.0
        self._read_ms = read_ms

    def acquire(self, scheduler_id: str, lease_seconds: float) -> int | None:
        """Take the lease if it is free."""
        self.asked += 1
        self._asked_ms[scheduler_id] = self._read_ms()
        if self._read_ms() < self._expires_ms and self._holder != scheduler_id:
            return None
        self.epoch += 1
        self.terms = (*self.terms, Term(self.epoch, f"{self._tokens} {self.asked}"))
        self._holder = scheduler_id
        self._expires_ms = self._read_ms() + lease_seconds * 1000
        return self.epoch

    def renew(self, epoch: int, lease_seconds: float) -> bool:
        """Prolong the lease."""
        if epoch != self.epoch:
            return False
        self._expires_ms = self._read_ms() + lease_seconds * 1000
        self.terms = self.lineage.renewed(self.terms[-1].renewals + 1).terms
        return True

    def release(self, epoch: int) -> None:
        """Give the lease up."""
        if epoch == self.epoch:
            self._expires_ms = 0

    def give_back(self, epoch: int) -> None:
        """Give the lease up as if it had not been taken."""
        if epoch == self.epoch:
            self._expires_ms = 0
            self.epoch -= 1
            self.terms = self.terms[:-1]

    @property
    def lineage(self) -> Lineage:
        """The terms so far."""
        return Lineage("the database", self.terms)

    def copy(self) -> "SharedDatabase":
        """Give a copy, as who restores a backup has it."""
        twin = SharedDatabase(self._read_ms)
        for name, value in vars(self.rows).items():
            setattr(twin.rows, name, value.copy() if hasattr(value, "copy") else value)
        twin.epoch, twin.terms, twin.asked = self.epoch, self.terms, self.asked
        twin._tokens = "copy"
        # It knows the schedules that the copy goes on with, and follows them on its own.
        twin.checker = copy.deepcopy(self.checker, {id(self.rows): twin.rows})
        twin.alert_checker = None  # it would have to know what came before
        twin._lost_seconds = self._lost_seconds
        return twin

    def begin_term(self, epoch: int) -> BegunTerm | None:
        """Have the next load show that it is of now."""
        if not self.admits(epoch):
            return None
        self.rows.load_mark += 1
        return BegunTerm(self.lineage, self.rows.load_mark)

    def agree_on_lost_seconds(self, epoch: int, seconds: float) -> float | None:
        """Give the longest that leaders have said since tasks run."""
        if not self.admits(epoch):
            return None
        before = self._lost_seconds if self.rows.tasks and self.remembers_lost else 0.0
        self._lost_seconds = max(seconds, before)
        return self._lost_seconds

    def schedulers(self) -> list[SchedulerRow]:
        """Give those that have asked for the lease of late, and the one that has it."""
        return [
            SchedulerRow(name, name, name == self._holder, self.epoch)
            for name, asked_ms in self._asked_ms.items()
            if name == self._holder or self._read_ms() < asked_ms + _FORGOTTEN_MS
        ]

    def admits(self, epoch: int) -> bool:
        """Tell whether this epoch may write."""
        return epoch == self.epoch or not self.checks_epoch


class DatabaseConnection:
    """What one scheduler uses as its `Store`: of the contract, what a leader needs.

    While the host does not reach the database, calls fail; the first at times after it was carried out.
    """

    def __init__(self, database: SharedDatabase, host: "Host") -> None:
        self._database = database
        self._host = host
        self._worked = True

    def acquire_lease(
        self, scheduler_id: str, address: str, lease_seconds: float, *, steal: bool = False
    ) -> int | None:
        return self._call(lambda: self._database.acquire(scheduler_id, lease_seconds))

    def renew_lease(self, epoch: int, lease_seconds: float) -> bool:
        return self._call(lambda: self._database.renew(epoch, lease_seconds))

    has_clock = False  # all clocks run alike

    def now_ms(self) -> int:
        raise NotImplementedError

    def renewals(self, epoch: int) -> int:
        terms = self._database.terms
        return terms[-1].renewals if terms and terms[-1].epoch == epoch else 0

    def begin_term(self, epoch: int) -> BegunTerm | None:
        return self._call(lambda: self._database.begin_term(epoch))

    def reconnect(self) -> None:
        self._host.reconnect()

    def give_back_lease(self, epoch: int) -> None:
        self._call(lambda: self._database.give_back(epoch))

    def release_lease(self, epoch: int) -> None:
        self._call(lambda: self._database.release(epoch))

    def agree_on_lost_seconds(self, epoch: int, seconds: float) -> float | None:
        return self._call(lambda: self._database.agree_on_lost_seconds(epoch, seconds))

    def schedulers(self) -> list[SchedulerRow]:
        return self._call(self._database.schedulers)

    def load(self) -> Snapshot:
        return self._call(lambda: self._host.old_record or self._database.rows.load())

    def commit(self, epoch: int, changes: Changes) -> bool:
        return self._call(lambda: self._commit(epoch, changes))

    def _commit(self, epoch: int, changes: Changes) -> bool:
        if not self._database.admits(epoch):
            return False
        self._database.rows.commit(changes)
        if self._database.alert_checker is not None:
            self._database.alert_checker.turn_committed(changes, None)
        self._database.checker.turn_committed(
            Decisions(changes=changes), self._host.turn_times.of(changes), []
        )
        return True

    def _call(self, call: Callable[[], T]) -> T:
        worked, self._worked = self._worked, self._host.reaches_database()
        if self._worked:
            return call()
        # What was under way when the network failed: no other connection comes about, so this is the only one.
        answer_alone_is_lost = worked and self._host.world.random.random() < 0.5
        if answer_alone_is_lost:
            call()
        raise StoreUnavailableError("The database cannot be reached.", outcome_unknown=answer_alone_is_lost)
