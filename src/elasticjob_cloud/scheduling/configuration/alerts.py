"""What commands do to alerts, their rules and silences."""

from elasticjob_cloud.model.alerting.rule import APP_PREFIX, JOB_PREFIX, AlertRule
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.scheduling import commands
from elasticjob_cloud.scheduling.configuration.checks import app_of, job_of
from elasticjob_cloud.scheduling.state.turn import Turn


def put_alert_rule(turn: Turn, command: commands.PutAlertRule) -> None:
    """Set the rule of a scope, or take it away."""
    if command.scope.startswith(JOB_PREFIX):
        job_of(turn, command.scope.removeprefix(JOB_PREFIX))
    elif command.scope.startswith(APP_PREFIX):
        app_of(turn, command.scope.removeprefix(APP_PREFIX))
    put_rule_of(turn, command.scope, command.rule or AlertRule())


def put_rule_of(turn: Turn, scope: str, rule: AlertRule | None) -> None:
    """Set the rule of an app or job that is there. None keeps what it has; a rule that says nothing takes it away."""
    if rule == AlertRule():
        turn.alerts.drop_rule(scope, turn.now_ms)
    elif rule is not None:
        turn.alerts.put_rule(scope, rule, turn.now_ms)


def drop_silence(turn: Turn, silence_id: str) -> None:
    """End a silence before its time."""
    if not turn.alerts.drop_silence(silence_id, turn.now_ms):
        message = f"There is no silence '{silence_id}', or it is over."
        raise NotFoundError(message)


def acknowledge_alert(turn: Turn, command: commands.AcknowledgeAlert) -> None:
    """Note that somebody knows of an alert."""
    if not turn.alerts.acknowledge(command.alert_id, command.by, turn.now_ms):
        message = f"There is no alert '{command.alert_id}', or it is over."
        raise NotFoundError(message)
