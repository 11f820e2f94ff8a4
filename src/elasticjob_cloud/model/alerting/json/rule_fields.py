"""Rules as JSON: the body of `PUT /alert/rules/{scope}`, and `alerts` of a job or app."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any
from zoneinfo import ZoneInfo

from elasticjob_cloud.model.alerting.conditions import THRESHOLDS_OF, Condition, Severity, Threshold
from elasticjob_cloud.model.alerting.json.fields import Fields, raise_if
from elasticjob_cloud.model.alerting.quiet_hours import QuietHours, is_time_of_day
from elasticjob_cloud.model.alerting.rule import (
    APP_PREFIX,
    GLOBAL_SCOPE,
    JOB_PREFIX,
    AlertRule,
    EffectiveRule,
    Language,
)
from elasticjob_cloud.model.errors import FieldError, InvalidRequestError
from elasticjob_cloud.model.jobs.names import known_name_problem

_YEAR_MINUTES = 366 * 24 * 60
_LONGEST_TEMPLATE = 16_000
_WHOLE = {"after", "restarts"}
_MOST = {"after": 1_000, "restarts": 1_000, "percent": 100, "times": 10_000, "minutes": _YEAR_MINUTES}
_LEAST = {"after": 1, "restarts": 1, "percent": 0, "clear_seconds": 0}
_MOST_SECONDS = _YEAR_MINUTES * 60


def check_scope(scope: str) -> None:
    """Raise `InvalidRequestError` unless this is `global`, `app:NAME` or `job:NAME`."""
    if scope == GLOBAL_SCOPE:
        return
    for prefix in (APP_PREFIX, JOB_PREFIX):
        if scope.startswith(prefix) and known_name_problem(scope.removeprefix(prefix)) is None:
            return
    raise InvalidRequestError.of(FieldError("scope", "must be global, app:NAME or job:NAME."))


def read_rule(body: Mapping[str, object]) -> AlertRule:
    """Read a rule.

    Raises:
        InvalidRequestError: Fields are wrong; it lists all of them.
    """
    errors: list[FieldError] = []
    fields = Fields(body, errors)
    conditions, severities = _read_conditions(fields, errors)
    rule = AlertRule(
        channels=fields.texts("channels"),
        conditions=conditions,
        severities=severities,
        severity=fields.choice("severity", Severity),
        language=fields.choice("language", Language),
        silence_minutes=fields.number("silenceMinutes", least=0, most=_YEAR_MINUTES),
        reminder_minutes=fields.number("reminderMinutes", least=0, most=_YEAR_MINUTES),
        group_seconds=fields.number("groupSeconds", least=0, most=3600),
        quiet_hours=_read_quiet_hours(fields, errors),
        template=fields.text("template", longest=_LONGEST_TEMPLATE),
    )
    fields.refuse_others()
    raise_if(errors)
    return rule


def rule_fields(rule: AlertRule) -> dict[str, Any]:
    """Give a rule as `read_rule` reads it."""
    conditions: dict[str, Any] = {}
    for condition in Condition:
        threshold, severity = rule.conditions.get(condition), rule.severities.get(condition)
        if threshold is not None or severity is not None:
            conditions[condition.value] = _condition_fields(threshold or Threshold(), severity)
    quiet = rule.quiet_hours
    values = {
        "channels": None if rule.channels is None else list(rule.channels),
        "conditions": conditions or None,
        "severity": rule.severity and rule.severity.value,
        "language": rule.language and rule.language.value,
        "silenceMinutes": rule.silence_minutes,
        "reminderMinutes": rule.reminder_minutes,
        "groupSeconds": rule.group_seconds,
        "quietHours": quiet and {"start": quiet.start, "end": quiet.end, "timeZone": quiet.time_zone},
        "template": rule.template,
    }
    return {name: value for name, value in values.items() if value is not None}


def effective_fields(rule: EffectiveRule) -> dict[str, Any]:
    """Give what holds for a job, to be shown: thresholds of the conditions that are on, False for the others."""
    return {
        "channels": list(rule.channels),
        "conditions": {
            condition.value: _condition_fields(rule.conditions[condition], rule.severities[condition])
            if rule.watches(condition)
            else False
            for condition in Condition
        },
        "language": rule.language.value,
        "silenceMinutes": rule.silence_ms / 60_000,
        "reminderMinutes": rule.reminder_ms / 60_000,
        "groupSeconds": rule.group_ms / 1000,
    }


def _read_conditions(
    fields: Fields, errors: list[FieldError]
) -> tuple[dict[Condition, Threshold], dict[Condition, Severity]]:
    conditions: dict[Condition, Threshold] = {}
    severities: dict[Condition, Severity] = {}
    for name, value in fields.mapping("conditions").items():
        where = f"conditions.{name}"
        if name not in set(Condition):
            errors.append(FieldError(where, f"is no condition. Known are {', '.join(Condition)}."))
        elif isinstance(value, bool):
            conditions[Condition(name)] = _checked_switch(Condition(name), errors, is_on=value)
        elif isinstance(value, Mapping):
            own = Fields(value, errors, f"{where}.")
            conditions[Condition(name)] = _read_threshold(Condition(name), own)
            severity = own.choice("severity", Severity)
            if severity is not None:
                severities[Condition(name)] = severity
            own.refuse_others()
        else:
            errors.append(FieldError(where, "must be true, false or an object of thresholds."))
    return conditions, severities


def _checked_switch(condition: Condition, errors: list[FieldError], *, is_on: bool) -> Threshold:
    if is_on and condition in {Condition.STUCK, Condition.NO_SUCCESS}:
        wanted = " or ".join(THRESHOLDS_OF[condition])
        errors.append(FieldError(f"conditions.{condition}", f"needs {wanted}: nobody else knows how long."))
    return Threshold(enabled=is_on)


def _read_threshold(condition: Condition, fields: Fields) -> Threshold:
    values: dict[str, Any] = {}
    for name in THRESHOLDS_OF[condition]:
        value = fields.number(
            _camel(name),
            least=_LEAST.get(name, 0.001),
            most=_MOST.get(name, _MOST_SECONDS),
            whole=name in _WHOLE,
        )
        values[name] = int(value) if value is not None and name in _WHOLE else value
    if condition in {Condition.STUCK, Condition.NO_SUCCESS} and not any(values.values()):
        fields.refuse(_camel(THRESHOLDS_OF[condition][0]), "is needed: nobody else knows how long.")
    return Threshold(enabled=True, **values)


def _read_quiet_hours(fields: Fields, errors: list[FieldError]) -> QuietHours | None:
    if fields.get("quietHours") is None:
        return None
    own = Fields(fields.mapping("quietHours"), errors, "quietHours.")
    start, end = own.text("start") or "", own.text("end") or ""
    for name, text in (("start", start), ("end", end)):
        if not is_time_of_day(text):
            own.refuse(name, "must be a time of day such as 22:00.")
    if start == end:
        own.refuse("end", "must differ from start.")
    time_zone = own.text("timeZone") or "UTC"
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        own.refuse("timeZone", f"{time_zone[:100]!r} is no time zone. Write one such as Asia/Shanghai.")
    own.refuse_others()
    return QuietHours(start, end, time_zone)


def _condition_fields(threshold: Threshold, severity: Severity | None) -> Any:
    values = {
        _camel(field.name): value
        for field in fields_of(threshold)
        if field.name != "enabled" and (value := getattr(threshold, field.name)) is not None
    }
    if threshold.enabled is False:
        return False
    if severity is not None:
        values["severity"] = severity.value
    return values or True


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
