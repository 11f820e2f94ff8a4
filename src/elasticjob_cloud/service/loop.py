"""The scheduling loop: take what waits, let the core decide, commit once, then act and answer.

Nothing is sent and nobody is answered before the turn's one transaction is durable (promises 2 and 9). While a turn is
being committed the next one's events gather, so a slow store makes turns larger, not promises weaker.
"""

import asyncio
import datetime as dt
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec
import structlog

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.errors import (
    BugError,
    ElasticJobError,
    OutcomeUnknownError,
    StoreUnavailableError,
    UnavailableError,
)
from elasticjob_cloud.model.messages import AgentEvents, AgentJoined, EngineEvent
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import Core, Decisions, Event, Now, Request
from elasticjob_cloud.scheduling.commands import ApiCommand
from elasticjob_cloud.scheduling.measurements import CommitTook, Measurement
from elasticjob_cloud.service.callers import Callers, not_leading
from elasticjob_cloud.service.follower import CoreFollower
from elasticjob_cloud.service.metrics.metrics import Metrics

_log = structlog.get_logger(__name__)
ANOTHER_LEADS: Final = "Another scheduler has taken the lead."
_EVENTS_PER_TURN = 1_000  # statuses within batches counted one by one
_SLOW_COMMITS_EVERY_MS = 10_000  # each that is told leads to one more commit
_LONGEST_SLEEP_SECONDS = 1.0  # so that a clock that was set forwards is noticed soon
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """This scheduler leads no more. `written`: the last turn may be in the database, but nothing of it was sent."""

    reason: str
    written: bool = False


class SchedulingLoop:
    """Runs one core, from its take-over until it is stopped, loses the lease or cannot commit."""

    def __init__(
        self,
        core: Core,
        engine: Engine,
        commit: Callable[[Changes], Awaitable[bool]],
        holds_lease: Callable[[], bool],
        read_clock: Callable[[], Now],
        metrics: Metrics,
        on_commit: Callable[[Changes], None] | None = None,
        follower: CoreFollower | None = None,
    ) -> None:
        self._core = core
        self._engine = engine
        self._commit = commit
        self._holds_lease = holds_lease
        self._read_clock = read_clock
        self._metrics = metrics
        self._on_commit = on_commit
        self._follower = follower
        self._inbox: deque[Event] = deque()
        self._wake = asyncio.Event()
        self._callers = Callers()
        self._uncommitted = True
        self._slow_commit_at_ms: int | None = None  # monotonic: when the core was last told of one
        self._stopping = False

    def take(self, event: EngineEvent | Measurement) -> None:
        """Put an engine's event, or what was measured, into the inbox."""
        self._inbox.append(event)
        self._wake.set()

    async def submit(self, command: ApiCommand) -> int | None:
        """Have a command carried out; return when it is committed, raise why it was refused.

        Give the id of the run that it started, if it started one.

        Raises:
            UnavailableError: too many commands wait already.
        """
        if self._stopping:
            raise not_leading()
        number, answer = self._callers.add_command()
        self._inbox.append(Request(number, command))
        self._wake.set()
        return await answer

    async def query(self, read: Callable[[Core], T]) -> T:
        """Read from the core between turns, when all that it knows is committed."""
        if self._stopping:
            raise not_leading()
        if self._uncommitted:
            await self._callers.turn_end()
        return read(self._core)

    async def run(self) -> LeaseLost | None:
        """Take over, then turn until stopped, or until the lease is lost, which is given.

        Raises:
            UnavailableError: the store did not commit; the core must be made again from the record.
        """
        failure: ElasticJobError = OutcomeUnknownError(_OUTCOME_UNKNOWN)  # of a turn that is cut off
        try:
            lost = await self._turn_until_stopped()
            if lost is not None and not lost.written:
                failure = not_leading()
            return lost
        except ElasticJobError as error:
            failure = _failure_of_commit(error)
            raise
        except Exception as error:
            failure = BugError("The scheduling loop failed. This is our bug: please report it with the log.")
            raise failure from error
        finally:
            self._stopping = True
            self._fail_all(failure)

    def close(self) -> None:
        """Refuse what waits and what is still to come: where `run`, which ends so too, is never called."""
        self._stopping = True
        self._fail_all(not_leading())

    def stop(self) -> None:
        """End the loop after the turn that is under way; what waits in the inbox is refused."""
        self._stopping = True
        self._wake.set()

    async def _turn_until_stopped(self) -> LeaseLost | None:
        lost = await self._finish_turn(self._core.take_over(self._read_clock()), [])
        while lost is None and not self._stopping:
            await self._sleep()
            events = self._take_events()
            self._uncommitted = True
            lost = await self._finish_turn(self._core.handle(events, self._read_clock()), events)
        return lost

    async def _sleep(self) -> None:
        if self._inbox:
            await asyncio.sleep(0)
            return
        self._wake.clear()
        due_ms = self._core.next_due_ms()
        seconds = _LONGEST_SLEEP_SECONDS
        if due_ms is not None:
            seconds = min(seconds, (due_ms - self._read_clock().wall_ms) / 1000)
        if seconds > 0:
            timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
            await self._wake.wait()
            timer.cancel()
        else:
            await asyncio.sleep(
                0
            )  # a turn that writes nothing waits for nothing: whatever else runs here must go on

    def _take_events(self) -> list[Event]:
        events: list[Event] = []
        count = 0
        while self._inbox and count < _EVENTS_PER_TURN:
            event = self._inbox.popleft()
            events.append(event)
            count += max(1, len(event.events)) if isinstance(event, AgentEvents) else 1
        return events

    async def _finish_turn(self, decisions: Decisions, events: list[Event]) -> LeaseLost | None:
        seconds = 0.0
        if decisions.changes:
            started, started_ms = time.perf_counter(), self._read_clock().monotonic_ms
            if not await self._commit(decisions.changes):
                return LeaseLost(ANOTHER_LEADS)
            seconds = time.perf_counter() - started
            self._note_commit(decisions.changes, started_ms, self._read_clock().monotonic_ms)
        if not self._holds_lease():
            # A process that stood still: the next leader goes on from what was written.
            return LeaseLost("The lease ran out before the turn was over.", written=True)
        self._uncommitted = False
        self._act(decisions, events)
        if self._follower is not None:  # shards that are due do not wait for what consoles read
            self._follower.note_turn(decisions, events)
        self._callers.answer_commands(decisions.outcomes, decisions.run_ids)
        self._callers.answer_queries()
        self._metrics.note_turn(decisions, seconds)
        self._warn_of_jobs_ahead(decisions)
        if self._on_commit is not None and decisions.changes:
            self._tell(self._on_commit, decisions.changes)
        return None

    def _note_commit(self, changes: Changes, started_ms: int, ended_ms: int) -> None:
        """Tell the core of a commit that was slow, in its next turn."""
        slow_ms, told_ms = self._core.slow_commit_ms, self._slow_commit_at_ms
        if slow_ms is None or ended_ms - started_ms < slow_ms:
            return
        # The end of the alert is a commit too, and must not begin the next one.
        is_of_alerts = not msgspec.structs.replace(changes, alerts=AlertChanges())
        if not is_of_alerts and (told_ms is None or ended_ms - told_ms >= _SLOW_COMMITS_EVERY_MS):
            self._slow_commit_at_ms = ended_ms
            self.take(CommitTook(ended_ms - started_ms))

    def _warn_of_jobs_ahead(self, decisions: Decisions) -> None:
        if decisions.ahead is None:
            return
        job_name, until_ms = decisions.ahead
        _log.warning(
            "The clock was ahead: jobs were evaluated beyond the present time, and fire nothing until then. "
            "If the clock is right now: POST /api/operate/reconcile/clock, or update the jobs.",
            jobs=len(self._core.state.ahead),
            job=job_name,
            until=dt.datetime.fromtimestamp(until_ms / 1000, dt.UTC).isoformat(timespec="seconds"),
        )

    def _act(self, decisions: Decisions, events: list[Event]) -> None:
        self._reserve_room(decisions, events)
        for agent_id, commands in decisions.commands.items():
            self._engine.send(agent_id, commands)
        for agent_id, sequence in _highest_sequences(events).items():
            self._engine.acknowledge(agent_id, sequence)
        self._release(decisions.released)
        self._inbox.extendleft(reversed(decisions.deferred))

    def _release(self, agent_ids: list[str]) -> None:
        if not agent_ids:
            return
        # An agent that has joined again while the turn was being committed is there again in the next one.
        joined = {event.inventory.agent.agent_id for event in self._inbox if isinstance(event, AgentJoined)}
        for agent_id in agent_ids:
            if agent_id not in joined:
                self._engine.release(agent_id)

    def _reserve_room(self, decisions: Decisions, events: list[Event]) -> None:
        touched = set(decisions.commands)
        touched |= {event.agent_id for event in events if isinstance(event, AgentEvents)}
        touched |= {event.inventory.agent.agent_id for event in events if isinstance(event, AgentJoined)}
        for agent_id in touched:
            agent = self._core.state.agents.get(agent_id)
            if agent is not None:
                milli_cpus, memory_kib = agent.used()
                self._engine.reserve(agent_id, milli_cpus / 1000, memory_kib / 1024)

    def _tell(self, listener: Callable[[Changes], None], changes: Changes) -> None:
        try:
            listener(changes)
        except Exception:  # noqa: BLE001 - a terminal that was closed must not stop the scheduling
            _log.exception("The listener to commits failed; it is not called again.")
            self._on_commit = None

    def _fail_all(self, failure: ElasticJobError) -> None:
        untouched = {event.number for event in self._inbox if isinstance(event, Request)}
        self._callers.fail_all(failure, untouched)


_NOT_SAID = "The database was lost before it said whether this is written: look whether it was carried out before you repeat it."
_OUTCOME_UNKNOWN = (
    "The lead was lost while this was being written: look whether it was carried out before you repeat it."
)


def _failure_of_commit(error: ElasticJobError) -> ElasticJobError:
    if isinstance(error, BugError):
        return error  # 500: a caller that repeats the call would repeat the bug
    if isinstance(error, StoreUnavailableError) and error.outcome_unknown:
        return OutcomeUnknownError(f"{_NOT_SAID} {error}")
    return UnavailableError(f"The scheduler could not write its database: {error}")


def _highest_sequences(events: list[Event]) -> dict[str, int]:
    sequences: dict[str, int] = {}
    for event in events:
        if isinstance(event, AgentEvents):
            sequences[event.agent_id] = max(sequences.get(event.agent_id, 0), event.sequence)
    return sequences
