"""Messages as texts: what is wrong, where, since when, why, and what to do about it."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from string import Template
from urllib.parse import quote
from zoneinfo import ZoneInfo

from elasticjob_cloud.alerting.words import Words, words_of
from elasticjob_cloud.model.alerting.alert import Alert, Resolution
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.output.excerpt import one_line

MOST_SHOWN = 20  # alerts that a text has in full
_SILENCE_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What is the same in all messages. `public_url`: the console's address, or nothing; `time_zone`: of the times shown."""

    public_url: str = ""
    time_zone: str = "UTC"

    def link_to(self, alert: Alert) -> str:
        """Give the console's page for an alert, or nothing."""
        if not self.public_url:
            return ""
        base = self.public_url.rstrip("/")
        if alert.run_id and alert.condition is Condition.RUN_FAILED:
            return f"{base}/runs/{alert.run_id}"
        if alert.job_name:
            return f"{base}/jobs/{quote(alert.job_name, safe='')}"
        return f"{base}/alerts?id={quote(alert.alert_id, safe='')}"

    def show_time(self, time_ms: int) -> str:
        """Give a time with its zone."""
        zone = ZoneInfo(self.time_zone)
        local = dt.datetime.fromtimestamp(time_ms // 1000, zone)
        return f"{local.isoformat(' ')} ({self.time_zone})"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as text. `link`: the console's page for its first alert, or nothing."""

    title: str
    text: str
    link: str


def render(message: AlertMessage, head: Letterhead) -> Rendered:
    """Write a message in its language."""
    words = words_of(message.language)
    title = f"[{words.kinds[message.kind]}] {_headline(message, words)}"
    if message.kind is MessageKind.TEST:
        return Rendered(title, words.test, head.public_url)
    shown = message.alerts[:MOST_SHOWN]
    blocks = [_block(alert, message, words, head) for alert in shown]
    if message.total > len(shown):
        blocks.append(words.more.format(count=message.total - len(shown)))
    return Rendered(title, "\n\n".join(blocks), head.link_to(shown[0]) if shown else head.public_url)


def describe(alert: Alert, message: AlertMessage) -> str:
    """Say in one line what an alert is about: `Job report: run failed`."""
    return _describe(alert, message.kind, words_of(message.language))


def shorten(text: str, limit_bytes: int) -> str:
    """Give a text in at most so many bytes of UTF-8, its end left out."""
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= limit_bytes:
        return data.decode()
    mark = "\n..."
    return data[: limit_bytes - len(mark)].decode("utf-8", "ignore") + mark


def _headline(message: AlertMessage, words: Words) -> str:
    if message.kind is MessageKind.TEST:
        return "ElasticJob-Cloud"
    if message.total == 1:
        return _describe(message.alerts[0], message.kind, words)
    counts = Counter(words.names[alert.condition] for alert in message.alerts)
    parts = [words.count_of.format(count=count, what=what) for what, count in counts.most_common(4)]
    return f"{words.many.format(total=message.total)}{words.colon}{words.joint.join(parts)}"


def _describe(alert: Alert, kind: MessageKind, words: Words) -> str:
    what = _what(alert, kind, words)
    name = words.job.format(name=alert.job_name) if alert.job_name else alert.subject
    return f"{name}{words.colon}{what}" if name else what


def _what(alert: Alert, kind: MessageKind, words: Words) -> str:
    if kind is MessageKind.RESOLVE:
        is_well = alert.resolution in {None, Resolution.RECOVERED}
        return (words.recovered if is_well else words.names)[alert.condition]
    if alert.condition in words.conditions:
        return words.conditions[alert.condition].format(value=_show_value(alert, words))
    return words.names[alert.condition]


def _show_value(alert: Alert, words: Words) -> str:
    if alert.condition is Condition.DISK_LOW:
        return f"{alert.value:g} %"
    return _show_duration(alert.value, words)


def _show_duration(seconds: float, words: Words) -> str:
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    days, hours, minutes, second = words.units
    if seconds < 60:
        return f"{sign}{seconds:.3g}{second}"
    whole = round(seconds)
    amounts = (whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60)
    parts = [f"{n}{unit}" for n, unit in zip(amounts, (days, hours, minutes, second), strict=True) if n]
    return sign + " ".join(parts[:2])


def _block(alert: Alert, message: AlertMessage, words: Words, head: Letterhead) -> str:
    facts = _facts(alert, message, words, head)
    if message.template:
        return Template(message.template).safe_substitute(facts)
    name = _describe(alert, message.kind, words)
    lines = [f"{name} ({alert.app_name})" if alert.app_name else name]
    run = words.joint.join(
        part for part in (facts["run"], f"{words.items} {facts['items']}" if facts["items"] else "") if part
    )
    since = facts["since"] + (f"{words.joint}{words.times} {alert.count}" if alert.count > 1 else "")
    rows = (
        (words.run, run),
        (words.since, since),
        (words.lasted, facts["lasted"]),
        (words.where, facts["where"]),
        (words.reason, facts["reason"]),
        (words.console, facts["link"]),
        (words.silence, facts["silence"] if message.kind is not MessageKind.RESOLVE else ""),
    )
    lines += [f"{label}{words.colon}{value}" for label, value in rows if value]
    return "\n".join(lines)


def _facts(alert: Alert, message: AlertMessage, words: Words, head: Letterhead) -> dict[str, str]:
    """Give what a template can name."""
    is_over = message.kind is MessageKind.RESOLVE
    lasted = _show_duration((alert.resolved_ms - alert.since_ms) / 1000, words) if is_over else ""
    reason = one_line(alert.summary)
    if is_over:
        reason = words.resolutions.get(alert.resolution, "") if alert.resolution else ""
    return {
        "state": words.kinds[message.kind],
        "severity": alert.severity.value,
        "condition": alert.condition.value,
        "what": _what(alert, message.kind, words),
        "job": alert.job_name,
        "app": alert.app_name,
        "run": str(alert.run_id) if alert.run_id else "",
        "items": words.joint.join(map(str, alert.items)),
        "since": head.show_time(alert.since_ms),
        "lasted": lasted,
        "where": alert.where,
        "reason": reason,
        "times": str(alert.count),
        "link": head.link_to(alert),
        "silence": _silence_command(alert),
        "id": alert.alert_id,
    }


def _silence_command(alert: Alert) -> str:
    job = f" --job {alert.job_name}" if alert.job_name else ""
    return f"elasticjob-cloud alert silence{job} --condition {alert.condition.value} --minutes {_SILENCE_MINUTES}"
