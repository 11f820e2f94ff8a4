"""Alerts in memory, for tests of the API alone: rules, channels and silences as they were sent, nothing ever fires."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.queries import (
    AlertPage,
    AlertQuery,
    DeliveryPage,
    DeliveryQuery,
    ListedDelivery,
)
from elasticjob_cloud.model.alerting.rule import APP_PREFIX, JOB_PREFIX, AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.model.errors import ConflictError, NotFoundError
from elasticjob_cloud.service.port import (
    AcknowledgeAlert,
    ApiCommand,
    DeleteApp,
    DeregisterJob,
    DropSilence,
    PublishApp,
    PutAlertRule,
    PutSilence,
    RegisterJob,
    UpdateApp,
    UpdateJob,
)


class MemoryAlerts:
    """Implements `AlertPort`. `rows`, `delivery_rows`: what lists answer; `trouble`: what a test message meets."""

    def __init__(self) -> None:
        self.rule_of: dict[str, AlertRule] = {}
        self.channel_of: dict[str, Channel] = {}
        self.silence_of: dict[str, Silence] = {}
        self.rows: list[Alert] = []
        self.delivery_rows: list[ListedDelivery] = []
        self.queries: list[AlertQuery | DeliveryQuery] = []
        self.trouble: str | None = None

    def carry_out(self, command: ApiCommand) -> None:
        """Carry out a command about alerts."""
        match command:
            case PutAlertRule(scope, rule):
                self._put(scope, rule or AlertRule())
            case PutSilence(silence):
                self.silence_of[silence.silence_id] = silence
            case DropSilence(silence_id):
                if self.silence_of.pop(silence_id, None) is None:
                    raise NotFoundError(f"There is no silence '{silence_id}', or it is over.")
            case AcknowledgeAlert(alert_id, by):
                self._acknowledge(alert_id, by)
            case _:
                raise AssertionError(command)

    def follow(self, command: ApiCommand) -> None:
        """Take the rule that a command about a job or app brings with it, or takes with it."""
        match command:
            case PublishApp(configuration):
                self._put(APP_PREFIX + configuration.app_name, command.alerts)
            case UpdateApp(app_name):
                self._put(APP_PREFIX + app_name, command.alerts)
            case RegisterJob(configuration) | UpdateJob(configuration):
                self._put(JOB_PREFIX + configuration.job_name, command.alerts)
            case DeregisterJob(job_name):
                self._put(JOB_PREFIX + job_name, AlertRule())
            case DeleteApp(app_name):
                self._put(APP_PREFIX + app_name, AlertRule())
            case _:
                pass

    def _put(self, scope: str, rule: AlertRule | None) -> None:
        if rule == AlertRule():
            self.rule_of.pop(scope, None)
        elif rule is not None:
            self.rule_of[scope] = rule

    def _acknowledge(self, alert_id: str, by: str) -> None:
        for index, alert in enumerate(self.rows):
            if alert.alert_id == alert_id and alert.is_open:
                self.rows[index] = replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=by)
                return
        raise NotFoundError(f"There is no alert '{alert_id}', or it is over.")

    async def rules(self) -> Mapping[str, AlertRule]:
        return dict(sorted(self.rule_of.items()))

    async def silences(self) -> Sequence[Silence]:
        return list(self.silence_of.values())

    async def events(self, query: AlertQuery) -> AlertPage:
        self.queries.append(query)
        return AlertPage(self.rows, "5.a")

    async def event(self, alert_id: str) -> Alert:
        for alert in self.rows:
            if alert.alert_id == alert_id:
                return alert
        raise NotFoundError(f"There is no alert '{alert_id}'.")

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        self.queries.append(query)
        return DeliveryPage(self.delivery_rows, None)

    async def channels(self) -> Sequence[Channel]:
        return [channel for _, channel in sorted(self.channel_of.items())]

    async def put_channel(self, channel: Channel) -> None:
        self.channel_of[channel.name] = channel

    async def drop_channel(self, name: str) -> None:
        if any(name in (rule.channels or ()) for rule in self.rule_of.values()):
            raise ConflictError(f"A rule names the channel '{name}'.")
        if self.channel_of.pop(name, None) is None:
            raise NotFoundError(f"There is no channel '{name}'.")

    async def try_channel(self, name: str) -> str | None:
        if name not in self.channel_of:
            raise NotFoundError(f"There is no channel '{name}'.")
        return self.trouble
