"""One trigger: what jobs of the same cron have in common."""

from zoneinfo import ZoneInfo

from elasticjob_cloud.cron import CronExpression


class Trigger:
    """The jobs of one cron and zone that are next due at the same instant."""

    __slots__ = ("cron", "jobs", "next_ms", "zone")

    def __init__(self, cron: CronExpression, zone: ZoneInfo, next_ms: int) -> None:
        self.cron = cron
        self.zone = zone
        self.next_ms = next_ms
        self.jobs: dict[str, None] = {}  # a dict, because a set would lose the order of registration
