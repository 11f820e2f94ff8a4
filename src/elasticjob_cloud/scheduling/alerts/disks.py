"""Disks that are almost full (DISK_LOW), and who measures them: schedulers and agents, perhaps several the same one."""

from typing import Final

from elasticjob_cloud.model.alerting.alert import AlertKey, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.disks import Disk
from elasticjob_cloud.scheduling.alerts.ledger import Ledger, Occurrence
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers

_ENOUGH_PERCENT: Final = 2  # more than the limit, before it is over: it must not flap
_UNMEASURED_MS: Final = 600_000  # after so long nobody measures it any more: measurements come twice a minute


class Disks:
    """Alerts by host and mount point. Who measures is not recorded: those that are there tell it a new leader soon."""

    def __init__(self, rows: AlertRows, rules: Rules, ledger: Ledger) -> None:
        self._rows = rows
        self._rules = rules
        self._ledger = ledger
        self._keys: dict[str, dict[AlertKey, None]] = {}  # by who measures: the disks that are low
        self._timers: Timers[AlertKey] = Timers()

    def measured(self, by: str, host: str, disk: Disk, now_ms: int) -> None:
        """Take what the scheduler or an agent has measured."""
        key = AlertKey(Condition.DISK_LOW, f"{host}:{disk.mount_point}")
        rule = self._rules.of_system()
        limit = rule.conditions[Condition.DISK_LOW].percent or 0
        is_open = self._rows.find_open(key) is not None
        if is_open and disk.free_percent >= limit + _ENOUGH_PERCENT:
            self._ledger.resolve(key, now_ms)
            self._timers.cancel(key)
            for keys in self._keys.values():
                keys.pop(key, None)
            return
        if not is_open:
            if disk.free_percent >= limit or not rule.watches(Condition.DISK_LOW):
                return
            what = Occurrence(since_ms=now_ms, where=host, value=round(disk.free_percent, 1))
            self._ledger.fire(key, what, now_ms)
        self._keys.setdefault(by, {})[key] = None
        self._timers.set(key, now_ms + _UNMEASURED_MS)

    def agent_left(self, agent_id: str, now_ms: int) -> None:
        """An agent is gone: what nobody else measures is over."""
        for key in self._keys.pop(agent_id, {}):
            if not any(key in keys for keys in self._keys.values()):
                self._expire(key, now_ms)

    def wait_again(self, now_ms: int) -> None:
        """A new leader took over, or the clock jumped: those that measure get time to do so."""
        for alert in self._rows.open_of(Condition.DISK_LOW):
            self._timers.set(alert.key, now_ms + _UNMEASURED_MS)

    def advance(self, now_ms: int, most: int) -> None:
        """End what nobody measures any more."""
        for key in self._timers.pop_due(now_ms, most):
            self._expire(key, now_ms)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        return self._timers.next_ms()

    def _expire(self, key: AlertKey, now_ms: int) -> None:
        self._timers.cancel(key)
        self._ledger.resolve(key, now_ms, Resolution.EXPIRED)
