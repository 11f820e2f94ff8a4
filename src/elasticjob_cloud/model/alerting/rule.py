"""Rules: what is watched, who is told, and when nobody is. Global, per app and per job; the nearest wins, field by field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from elasticjob_cloud.model.alerting.conditions import (
    DEFAULT_SEVERITIES,
    DEFAULT_THRESHOLDS,
    Condition,
    Severity,
    Threshold,
)
from elasticjob_cloud.model.alerting.quiet_hours import QuietHours

GLOBAL_SCOPE: Final = "global"
APP_PREFIX: Final = "app:"
JOB_PREFIX: Final = "job:"


class Language(StrEnum):
    """The language of messages."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True, slots=True)
class AlertRule:
    """What one scope says. None, or a condition that is not named: a farther rule says it, or the defaults.

    `silence_minutes`: after a message, the same condition of the same job is not told again for so long.
    `reminder_minutes`: an alert that nobody acknowledges is told again so often; 0 never.
    `group_seconds`: what fires within so long is one message. `template`: the text for one alert (docs/alerts.md).
    """

    channels: tuple[str, ...] | None = None
    conditions: Mapping[Condition, Threshold] = field(default_factory=dict)
    severity: Severity | None = None
    severities: Mapping[Condition, Severity] = field(default_factory=dict)
    language: Language | None = None
    silence_minutes: float | None = None
    reminder_minutes: float | None = None
    group_seconds: float | None = None
    quiet_hours: QuietHours | None = None
    template: str | None = None


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """What holds for one job, or for the system: nothing is left open."""

    channels: tuple[str, ...]
    conditions: Mapping[Condition, Threshold]
    severities: Mapping[Condition, Severity]
    language: Language
    silence_ms: int
    reminder_ms: int
    group_ms: int
    quiet_hours: QuietHours | None
    template: str
    late_ms: int | None  # after which a run that waits is LATE; asked of each one

    def watches(self, condition: Condition) -> bool:
        """Tell whether this condition is on."""
        return bool(self.conditions[condition].enabled)


DEFAULT_GROUP_SECONDS: Final = 5.0


_Value = TypeVar("_Value")


def effective_rule(*nearest_first: AlertRule | None) -> EffectiveRule:
    """Merge rules, the nearest first, with the defaults at the end."""
    rules = [rule for rule in nearest_first if rule is not None]
    conditions = {condition: _threshold_of(rules, condition) for condition in Condition}
    return EffectiveRule(
        channels=_first((rule.channels for rule in rules), ()),
        conditions=conditions,
        severities={condition: _severity_of(rules, condition) for condition in Condition},
        language=_first((rule.language for rule in rules), Language.ENGLISH),
        silence_ms=round(_first((rule.silence_minutes for rule in rules), 0) * 60_000),
        reminder_ms=round(_first((rule.reminder_minutes for rule in rules), 0) * 60_000),
        group_ms=round(_first((rule.group_seconds for rule in rules), DEFAULT_GROUP_SECONDS) * 1000),
        quiet_hours=next((rule.quiet_hours for rule in rules if rule.quiet_hours is not None), None),
        template=_first((rule.template for rule in rules), ""),
        late_ms=_milliseconds_of(conditions[Condition.LATE]),
    )


def _first(values: Iterable[_Value | None], default: _Value) -> _Value:
    return next((value for value in values if value is not None), default)


def _threshold_of(rules: list[AlertRule], condition: Condition) -> Threshold:
    threshold = Threshold()
    for rule in rules:
        if condition in rule.conditions:
            threshold = threshold.over(rule.conditions[condition])
    return threshold.over(DEFAULT_THRESHOLDS[condition])


def _milliseconds_of(threshold: Threshold) -> int | None:
    is_on = threshold.enabled and threshold.seconds is not None
    return round((threshold.seconds or 0) * 1000) if is_on else None


def _severity_of(rules: list[AlertRule], condition: Condition) -> Severity:
    for rule in rules:
        if condition in rule.severities:
            return rule.severities[condition]
        if rule.severity is not None:
            return rule.severity
    return DEFAULT_SEVERITIES[condition]
