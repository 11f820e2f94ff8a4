"""What the candidacy and the terms of one leader work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from elasticjob_cloud.engine.contract import Engine
from elasticjob_cloud.model.phases import PhaseMachine
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.follower import CoreFollower
from elasticjob_cloud.service.housekeeping.clock_watch import ClockWatch
from elasticjob_cloud.service.leadership.agent_log import AgentLog
from elasticjob_cloud.service.leadership.candidate import Candidate
from elasticjob_cloud.service.leadership.engine_terms import EngineTerms
from elasticjob_cloud.service.leadership.giving_way import GivingWay
from elasticjob_cloud.service.leadership.phases import LeaderPhase
from elasticjob_cloud.service.leadership.surroundings import StopSignal, Surroundings
from elasticjob_cloud.service.leadership.trouble import Trouble
from elasticjob_cloud.service.metrics.metrics import Metrics
from elasticjob_cloud.store import Store


@dataclass(frozen=True, slots=True)
class LeaderParts:
    """One leader's. `settled`: it leads, or knows that another scheduler does."""

    candidate: Candidate
    store: Store
    engine: Engine
    core_settings: CoreSettings
    surroundings: Surroundings
    metrics: Metrics
    on_commit: Callable[[Changes], None] | None
    follower: CoreFollower | None
    phases: PhaseMachine[LeaderPhase]
    engine_terms: EngineTerms
    clocks: ClockWatch
    trouble: Trouble
    agent_log: AgentLog
    giving_way: GivingWay
    settled: asyncio.Event
    stop: StopSignal
