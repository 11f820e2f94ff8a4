"""What a turn decides: rows to commit, commands to send, answers."""

import msgspec

from elasticjob_cloud.model.errors import ElasticJobError
from elasticjob_cloud.model.fire import DropReason, FireSource, RunState
from elasticjob_cloud.model.messages import Command
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.model.results import ShardResult
from elasticjob_cloud.model.task import TaskState
from elasticjob_cloud.scheduling.commands import Request


class Decisions(msgspec.Struct):
    """What follows from a turn: first commit `changes`, then send `commands` (by agent id) in order, and answer.

    `outcomes` has, by request number, why a request was refused, or None where it was carried out.
    `lateness_ms` has how late each cron fire of this turn was taken up; `fires` counts records of fires by source and
    `dropped` those that were dropped by reason; `refused` counts placements that found no room;
    `deferred` are requests that are to be handed in again: what they change is not known yet. `ended` counts tasks by
    terminal state; `runs` runs that ended or were dropped, by what they came to, and `executions` the attempts of runs and
    the executions of daemon jobs, by result: both by the rule of `model/results.py`. `run_ids` has, by request number,
    which run a trigger or a rerun is. `released` are agents that the engine may release, after all else is sent.
    `ahead`: the clock was found to be behind what jobs were evaluated up to; the job that is silent for longest, and
    until when.
    """

    changes: Changes = msgspec.field(default_factory=Changes)
    commands: dict[str, list[Command]] = msgspec.field(default_factory=dict)
    outcomes: dict[int, ElasticJobError | None] = msgspec.field(default_factory=dict)
    deferred: list[Request] = msgspec.field(default_factory=list)
    lateness_ms: list[int] = msgspec.field(default_factory=list)
    fires: dict[FireSource, int] = msgspec.field(default_factory=dict)
    refused: int = 0
    dropped: dict[DropReason, int] = msgspec.field(default_factory=dict)
    ended: dict[TaskState, int] = msgspec.field(default_factory=dict)
    runs: dict[RunState, int] = msgspec.field(default_factory=dict)
    executions: dict[ShardResult, int] = msgspec.field(default_factory=dict)
    run_ids: dict[int, int] = msgspec.field(default_factory=dict)
    released: list[str] = msgspec.field(default_factory=list)
    ahead: tuple[str, int] | None = None
