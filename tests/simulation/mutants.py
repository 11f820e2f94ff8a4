"""Break a safeguard, and see that the simulation finds out (`make mutants`).

Each mutant takes away one thing that a promise rests on, and names what should break. One that breaks nothing of that
kind in all its seeds means that the simulation does not check that promise, and fails the run.
"""

import argparse
import contextlib
import logging
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from elasticjob_cloud.agent.scheduler_link.fence import Fence
from elasticjob_cloud.agent.scheduler_link.frames import Hello, Refused
from elasticjob_cloud.agent.scheduler_link.obedience import Obedience
from elasticjob_cloud.cron import expression
from elasticjob_cloud.cron.zones import local_time
from elasticjob_cloud.model.fire import DropReason
from elasticjob_cloud.model.records import TaskRecord
from elasticjob_cloud.model.results import ShardResult, attempt_result
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling import core
from elasticjob_cloud.scheduling.agents import membership
from elasticjob_cloud.scheduling.configuration import jobs as configuration
from elasticjob_cloud.scheduling.fires import catching_up
from elasticjob_cloud.scheduling.placement.agent import AgentState
from elasticjob_cloud.scheduling.placement.fleet import Fleet, IdleAgents
from elasticjob_cloud.scheduling.runs import tasks
from elasticjob_cloud.scheduling.runs.tasks import stop_run
from elasticjob_cloud.scheduling.state import state
from elasticjob_cloud.scheduling.state.agent_changes import AgentChanges
from elasticjob_cloud.scheduling.state.decisions import Decisions
from elasticjob_cloud.scheduling.state.fire_changes import FireChanges
from elasticjob_cloud.scheduling.state.idempotency import IdempotencyKeys
from elasticjob_cloud.scheduling.state.run import Run
from elasticjob_cloud.scheduling.state.schedule_changes import ScheduleChanges
from elasticjob_cloud.scheduling.state.state import State
from elasticjob_cloud.scheduling.state.turn import Turn
from elasticjob_cloud.service.leadership import record
from elasticjob_cloud.service.loop import LeaseLost, SchedulingLoop
from tests.simulation.clock_changes import play_clocks_back
from tests.simulation.cluster.engine import ClusterEngine
from tests.simulation.cluster.scenarios import play_cluster
from tests.simulation.cluster.store import SharedDatabase
from tests.simulation.quiet_logs import quiet_logs
from tests.simulation.scenarios import (
    play_jumping_clocks,
    play_slow_machine,
    play_wild,
    play_wrong_clocks,
)

_finish_turn = SchedulingLoop._finish_turn
_drop_waiting = FireChanges.drop_waiting


@dataclass(frozen=True, slots=True)
class Mutant:
    """What is taken away, and the worlds that should notice."""

    name: str
    apply: Callable[[], AbstractContextManager[Any]]
    play: Callable[[int], object]
    expected: (
        str  # a pattern of what is broken: another fault that the mutant happens to cause proves nothing
    )


async def _launch_first(loop: SchedulingLoop, decisions: Decisions, events: list[Any]) -> LeaseLost | None:
    for agent_id, commands in decisions.commands.items():
        loop._engine.send(agent_id, commands)
    return await _finish_turn(loop, decisions, events)


def _nothing(*_: object, **__: object) -> None:
    return None


def _rewind_without_record(schedules: ScheduleChanges, job_name: str, evaluated_to_ms: int) -> None:
    schedules._state.schedules[job_name] = evaluated_to_ms


def _drop_all_but_disabled(fires: FireChanges, job_name: str, reason: DropReason) -> None:
    if reason is not DropReason.DISABLED:
        _drop_waiting(fires, job_name, reason)


def _stop_all_but_disabled(turn: Turn, job_name: str, reason: str) -> None:
    if "disabled" not in reason:
        stop_run(turn, job_name, reason)


def _keep_room(agent: AgentState, task: TaskRecord) -> None:
    agent.touch()
    agent.task_ids.remove(task.task_id)


def _record_all_missed(turn: Turn) -> None:
    while turn.state.backlog.next_missed() is not None:
        catching_up.record_missed(turn)


@contextlib.contextmanager
def _record_that_goes_back() -> Iterator[None]:
    """Neither is what was due earlier recorded first, nor is the record guarded."""

    def advance(schedules: ScheduleChanges, job_name: str, evaluated_to_ms: int) -> None:
        schedules._state.schedules[job_name] = evaluated_to_ms
        schedules._rows.schedules[job_name] = evaluated_to_ms

    with (
        patch.object(catching_up, "settle_due", _nothing),
        patch.object(ScheduleChanges, "advance", advance),
    ):
        yield


def _result_by_state_alone(state: TaskState, *, kill_requested: bool, **_: object) -> ShardResult:
    return attempt_result(state, execution_succeeded=True, kill_requested=kill_requested)


def _refuse_lower_epochs(obedience: Obedience, hello: Hello, *, is_led: bool = False) -> Refused | None:
    return None if hello.epoch >= obedience._epoch else Refused(obedience._epoch)


MUTANTS = (
    Mutant(
        "drop the epoch check",
        lambda: patch.object(SharedDatabase, "checks_epoch", new=False),
        play_cluster,
        expected=r"promise [125]:",
    ),
    Mutant(
        "launch before commit",
        lambda: patch.object(SchedulingLoop, "_finish_turn", _launch_first),
        play_cluster,
        expected=r"promise 2: .* was launched before it was recorded",
    ),
    Mutant(
        "answer heartbeats without a lease",
        lambda: patch.object(ClusterEngine, "asks_for_lease", new=False),
        play_cluster,
        expected=r"promise 5: .* deposed",
    ),
    Mutant(
        "forget fencing",
        lambda: patch.object(Fence, "is_over", lambda *_: False),
        play_cluster,
        expected=r"promise 5: .* at once",
    ),
    Mutant(
        "load from a server of before",
        lambda: patch.object(record, "is_present", lambda *_: True),
        play_cluster,
        expected=r"promise [127]:",
    ),
    Mutant(
        "obey a copy with a higher epoch",
        lambda: patch.object(Obedience, "refusal_of", _refuse_lower_epochs),
        play_cluster,
        expected=r"promise 2: .* was launched before it was recorded",
    ),
    Mutant(
        "forget the fences of other settings",
        lambda: patch.object(SharedDatabase, "remembers_lost", new=False),
        play_cluster,
        expected=r"promise 5: .* at once",
    ),
    Mutant(
        "let go of agents with tasks",
        lambda: patch.object(IdleAgents, "end", _nothing),
        play_cluster,
        expected=r"promise 1:",
    ),
    Mutant(
        "place on draining agents",
        lambda: patch.object(Fleet, "drain", _nothing),
        play_wild,
        expected=r"draining: .* takes no new tasks",
    ),
    Mutant(
        "let runs overlap",
        lambda: patch.object(State, "is_busy", lambda *_: False),
        play_wild,
        expected=r"promise [35]:",
    ),
    Mutant(
        "forget what was evaluated",
        lambda: patch.object(ScheduleChanges, "rewind", _rewind_without_record),
        play_wild,
        expected=r"promise 2: .* beyond what is due|promise 10: .* ran before",
    ),
    Mutant(
        "believe agents blindly",
        lambda: patch.object(membership, "_settle", _nothing),
        play_wrong_clocks,
        expected=r"promise 1: .* is staging",
    ),
    Mutant(
        "keep the fires of disabled jobs",
        lambda: patch.object(FireChanges, "drop_waiting", _drop_all_but_disabled),
        play_wild,
        expected=r"promise 1: never ended",
    ),
    Mutant(
        "let tasks of disabled jobs run",
        lambda: patch.object(configuration, "stop_run", _stop_all_but_disabled),
        play_wild,
        expected=r"promise 1: never ended",
    ),
    Mutant(
        "give no room back",
        lambda: patch.object(AgentState, "remove_task", _keep_room),
        play_wild,
        expected=r"promise 4: .* free",
    ),
    Mutant(
        "record each batch that comes",
        lambda: patch.object(AgentChanges, "put_sequence", _nothing),
        play_wild,
        expected=r"promise 2: .* is recorded twice",
    ),
    Mutant(
        "repeat what ran while the clock was ahead",
        lambda: patch.object(catching_up, "is_taken", lambda *_: False),
        play_wrong_clocks,
        expected=r"promise 2: .* beyond what is due|promise 10: .* ran before",
    ),
    Mutant(
        "leave jobs silent that a wrong clock silenced",
        lambda: patch.object(configuration, "go_on_from_now", _nothing),
        play_wrong_clocks,
        expected=r"promise 1: .* no record",
    ),
    Mutant(
        "let the record of a cron go back",
        _record_that_goes_back,
        play_jumping_clocks,
        expected=r"promise 2: .* beyond what is due|promise 10: .* ran before",
    ),
    Mutant(
        "take over in one piece",
        lambda: patch.object(core, "record_missed", _record_all_missed),
        play_slow_machine,
        expected=r"promise 1:",
    ),
    Mutant(
        "search from the reading of the clock",
        lambda: patch.object(expression, "search_start", local_time),
        play_clocks_back,
        expected=r"promise 1: .* no record",
    ),
    Mutant(
        "count a failed execution as a success",
        lambda: patch.object(tasks, "attempt_result", _result_by_state_alone),
        play_wild,
        expected=r"runs: .* is not what its agent did",
    ),
    Mutant(
        "forget keys of earlier leaders",
        lambda: patch.object(state, "IdempotencyKeys", lambda *_: IdempotencyKeys()),
        play_wild,
        expected=r"idempotency:",
    ),
    Mutant(
        "forget the shards that ended before a restart",
        lambda: patch.object(Run, "count_ended", _nothing),
        play_wild,
        expected=r"runs: .* its agents did",
    ),
    Mutant(
        "drop fires silently",
        lambda: patch.object(FireChanges, "drop", _nothing),
        play_wild,
        expected=r"promise 1: .* no record",
    ),
)


def how_caught(mutant: Mutant, seeds: int) -> str | None:
    """Say in which world a mutant broke what it should break, and how; None where it did so in none of them."""
    with mutant.apply():
        for seed in range(seeds):
            try:
                mutant.play(seed)
            except Exception as error:
                if isinstance(error, AssertionError) and re.search(mutant.expected, str(error), re.DOTALL):
                    return f"seed {seed}: {str(error)[:90]}"
    return None


def main() -> int:
    """Try all mutants; 0 when each is caught."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=60, help="how many worlds each mutant may survive (60)")
    options = parser.parse_args()
    logging.disable()  # what asyncio says of tasks of a crashed scheduler is no news
    quiet_logs()
    survivors = 0
    for mutant in MUTANTS:
        started = time.perf_counter()
        with contextlib.redirect_stderr(sys.stdout):
            how = how_caught(mutant, options.seeds)
        survivors += how is None
        print(
            f"{mutant.name:<34} {'SURVIVES' if how is None else 'caught'}  {how or ''}  ({time.perf_counter() - started:.1f} s)",
            flush=True,
        )
    print(f"{len(MUTANTS) - survivors} of {len(MUTANTS)} mutants caught")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
