"""Who is told what, and when: grouping, silences, quiet hours and reminders. What is to be told follows from the rows.

So a new leader goes on where the last one was: it looks at each live alert once, as `consider` does in every other case.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.conditions import Condition, Severity
from elasticjob_cloud.model.alerting.message import MOST_ALERTS, AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.rule import EffectiveRule, Language
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.scheduling.alerts.rows import AlertRows
from elasticjob_cloud.scheduling.alerts.rules import Rules
from elasticjob_cloud.scheduling.alerts.timers import Timers

# A channel hears of one kind at most so often: robots refuse more than 20 messages a minute.
GROUP_INTERVAL_MS = 30_000
MOST_IN_GROUP = 2_000  # alerts that one message can be about: each is a row to write in its turn


@dataclass(frozen=True, slots=True)
class _Group:
    """What is told together."""

    kind: MessageKind
    channels: tuple[str, ...]
    language: Language
    template: str


@dataclass(frozen=True, slots=True)
class _Wait:
    """Look at it again at this time."""

    until_ms: int


class _Close:
    """There is nothing more to tell."""


_CLOSE = _Close()
_Step = _Group | _Wait | _Close | None  # None: nothing, until something happens


class Announcer:
    """Decides on messages."""

    def __init__(
        self, rows: AlertRows, rules: Rules, silences: Iterable[Silence], new_id: Callable[[], str]
    ) -> None:
        self._rows = rows
        self._rules = rules
        self._silences = {silence.silence_id: silence for silence in silences}
        self._new_id = new_id
        self._looks: Timers[str] = Timers()
        self._due_groups: Timers[_Group] = Timers()
        self._groups: dict[_Group, dict[str, None]] = {}
        self._group_of: dict[str, _Group] = {}
        self._flushed_ms: dict[_Group, int] = {}

    def consider(self, alert_id: str, now_ms: int) -> None:
        """Look at an alert: it is new, has changed, or its time has come. To look twice does no harm."""
        alert = self._rows.live[alert_id]
        step = self._next_step(alert, now_ms)
        if isinstance(step, _Group):
            self._join(alert, step, now_ms)
            return
        self._leave(alert_id)
        if isinstance(step, _Wait):
            self._looks.set(alert_id, step.until_ms)
        elif isinstance(step, _Close):
            self._close(alert, now_ms)

    def put_silence(self, silence: Silence, now_ms: int) -> None:
        """Hold back what it matches, from its start on."""
        self._silences = {key: each for key, each in self._silences.items() if each.end_ms > now_ms}
        self._silences[silence.silence_id] = silence

    def drop_silence(self, silence_id: str, now_ms: int) -> bool:
        """End a silence: what it held back is told, if it is still wrong. False: there is none of this id."""
        silence = self._silences.pop(silence_id, None)
        if silence is None or silence.end_ms <= now_ms:
            return False
        for alert in list(self._rows.live.values()):
            if not alert.announced_ms and silence.matches(alert):
                self.consider(alert.alert_id, now_ms)
        return True

    def advance(self, now_ms: int, most: int) -> None:
        """Do what is due: look at alerts again, and write the messages of groups."""
        for alert_id in self._looks.pop_due(now_ms, most):
            self.consider(alert_id, now_ms)
        for group in self._due_groups.pop_due(now_ms, most):
            self._flush(group, now_ms)

    def next_ms(self) -> int | None:
        """Give when `advance` is due."""
        times = (self._looks.next_ms(), self._due_groups.next_ms())
        return min((time for time in times if time is not None), default=None)

    def hasten(self, now_ms: int) -> None:
        """The clock was set back: let no message wait until it is where it was."""
        self._flushed_ms.clear()
        for group in self._groups:
            self._due_groups.set(group, now_ms)

    def _next_step(self, alert: Alert, now_ms: int) -> _Step:
        rule = self._rules.of_alert(alert)
        if alert.closed_ms:
            until_ms = alert.announced_ms + rule.silence_ms
            return _Wait(until_ms) if until_ms > now_ms else _CLOSE
        if not alert.announced_ms:
            return self._first_step(alert, rule, now_ms)
        if alert.state is AlertState.RESOLVED:
            if alert.condition is Condition.RUN_FAILED and not rule.watches(Condition.RECOVERED):
                return _CLOSE
            return self._tell(MessageKind.RESOLVE, alert, rule, _quiet_until_ms(alert, rule, now_ms))
        if alert.state is AlertState.ACKNOWLEDGED or not rule.reminder_ms:
            return None
        next_ms = alert.told_ms + rule.reminder_ms
        if next_ms > now_ms:
            return _Wait(next_ms)
        return self._tell(MessageKind.REMIND, alert, rule, self._held_until_ms(alert, rule, now_ms))

    def _first_step(self, alert: Alert, rule: EffectiveRule, now_ms: int) -> _Step:
        held_ms = self._held_until_ms(alert, rule, now_ms)
        is_over = alert.state is AlertState.RESOLVED
        if is_over and (held_ms or alert.acknowledged_ms or not rule.channels):
            return _CLOSE
        if alert.state is AlertState.ACKNOWLEDGED or not rule.channels:
            return None
        return self._tell(MessageKind.FIRE, alert, rule, held_ms)

    @staticmethod
    def _tell(kind: MessageKind, alert: Alert, rule: EffectiveRule, held_ms: int) -> _Step:
        if held_ms:
            return _Wait(held_ms)
        # Who heard of its beginning hears of its end, whatever the rule says by then.
        channels = rule.channels if kind is MessageKind.FIRE else alert.channels
        return _Group(kind, channels, rule.language, rule.template)

    def _held_until_ms(self, alert: Alert, rule: EffectiveRule, now_ms: int) -> int:
        """Give until when nobody is to be told of an alert, or 0."""
        until_ms = max(
            (it.end_ms for it in self._silences.values() if it.holds(now_ms) and it.matches(alert)), default=0
        )
        earlier = self._rows.find_closed(alert.key)
        if earlier is not None and not alert.announced_ms:
            until_ms = max(until_ms, earlier.announced_ms + rule.silence_ms)
        until_ms = max(until_ms, _quiet_until_ms(alert, rule, now_ms))
        return until_ms if until_ms > now_ms else 0

    def _join(self, alert: Alert, group: _Group, now_ms: int) -> None:
        if self._group_of.get(alert.alert_id) == group:
            return
        self._leave(alert.alert_id)
        self._group_of[alert.alert_id] = group
        self._groups.setdefault(group, {})[alert.alert_id] = None
        if group not in self._due_groups:
            wait_ms = self._rules.of_alert(alert).group_ms
            earliest_ms = self._flushed_ms.get(group, now_ms - GROUP_INTERVAL_MS) + GROUP_INTERVAL_MS
            self._due_groups.set(group, max(now_ms + wait_ms, earliest_ms if wait_ms else 0))

    def _leave(self, alert_id: str) -> None:
        self._looks.cancel(alert_id)
        group = self._group_of.pop(alert_id, None)
        if group is not None:
            del self._groups[group][alert_id]

    def _flush(self, group: _Group, now_ms: int) -> None:
        told: list[Alert] = []
        for alert_id in list(self._groups.get(group, ()))[:MOST_IN_GROUP]:
            alert = self._rows.live[alert_id]
            if self._next_step(alert, now_ms) == group:
                self._leave(alert_id)
                told.append(alert)
            else:
                self.consider(alert_id, now_ms)
        if told:
            self._flushed_ms[group] = now_ms
            self._write(group, told, now_ms)
        if self._groups.get(group):
            self._due_groups.set(group, now_ms + GROUP_INTERVAL_MS)
        else:
            self._groups.pop(group, None)

    def _write(self, group: _Group, alerts: list[Alert], now_ms: int) -> None:
        message_id = self._new_id()
        for alert in alerts:
            self._mark(alert, group, message_id, now_ms)
        closed_ids: tuple[str, ...] = ()
        if group.kind is MessageKind.RESOLVE:
            ids = dict.fromkeys(alert.message_id for alert in alerts)
            closed_ids = tuple(each for each in ids if not self._rows.is_message_open(each))
        self._rows.changes.messages.append(
            AlertMessage(
                message_id=message_id,
                kind=group.kind,
                created_ms=now_ms,
                channels=group.channels,
                language=group.language,
                template=group.template,
                alerts=tuple(alerts[:MOST_ALERTS]),
                total=len(alerts),
                closed_ids=closed_ids,
            )
        )

    def _mark(self, alert: Alert, group: _Group, message_id: str, now_ms: int) -> None:
        match group.kind:
            case MessageKind.FIRE:
                told = replace(
                    alert,
                    announced_ms=now_ms,
                    told_ms=now_ms,
                    message_id=message_id,
                    channels=group.channels,
                )
                self._rows.put(told)
                self.consider(alert.alert_id, now_ms)
            case MessageKind.REMIND:
                self._rows.put(replace(alert, told_ms=now_ms))
                self.consider(alert.alert_id, now_ms)
            case _:
                self._close(replace(alert, told_ms=now_ms), now_ms)

    def _close(self, alert: Alert, now_ms: int) -> None:
        rule = self._rules.of_alert(alert)
        until_ms = alert.announced_ms + rule.silence_ms if alert.announced_ms else 0
        is_live = until_ms > now_ms
        self._rows.put(replace(alert, closed_ms=alert.closed_ms or now_ms, is_live=is_live))
        if is_live:
            self._looks.set(alert.alert_id, until_ms)


def _quiet_until_ms(alert: Alert, rule: EffectiveRule, now_ms: int) -> int:
    if rule.quiet_hours is None or alert.severity is Severity.CRITICAL:
        return 0
    return rule.quiet_hours.quiet_until_ms(now_ms)
