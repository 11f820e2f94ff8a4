"""The core: fires, ready queue, placement, tasks, agents. Pure: no I/O, no clock, no threads, no randomness of its own."""

from elasticjob_cloud.scheduling.clock import Now
from elasticjob_cloud.scheduling.commands import Request
from elasticjob_cloud.scheduling.core import Core, Event
from elasticjob_cloud.scheduling.settings import CoreSettings, PlacementPolicy
from elasticjob_cloud.scheduling.state.decisions import Decisions

__all__ = ["Core", "CoreSettings", "Decisions", "Event", "Now", "PlacementPolicy", "Request"]
