"""What users do about alerts in a world: rules, silences, acknowledgements."""

import random

from elasticjob_cloud.model.alerting.conditions import Condition, Threshold
from elasticjob_cloud.model.alerting.rule import APP_PREFIX, GLOBAL_SCOPE, JOB_PREFIX, AlertRule
from elasticjob_cloud.model.alerting.silence import Silence
from elasticjob_cloud.scheduling import commands
from tests.simulation.store_model import MemoryStore

WATCH_ALL = commands.PutAlertRule(
    GLOBAL_SCOPE,
    AlertRule(
        channels=("hook",),
        conditions={Condition.STUCK: Threshold(enabled=True, seconds=15)},
        group_seconds=1,
    ),
)


def random_alert_command(
    chooser: random.Random, store: MemoryStore, now_ms: int, apps: list[str]
) -> commands.ApiCommand:
    """Make a command about alerts; some are refused."""
    scopes = [GLOBAL_SCOPE, APP_PREFIX + chooser.choice(apps), f"{JOB_PREFIX}job-{chooser.randrange(8)}"]
    alerts = sorted(alert_id for alert_id, alert in store.alerts.items() if alert.is_open) or ["none"]
    silences = sorted(store.silences) or ["none"]
    return chooser.choice(
        (
            commands.PutAlertRule(chooser.choice(scopes), _random_rule(chooser)),
            commands.PutAlertRule(chooser.choice(scopes[1:]), None),
            commands.PutSilence(_random_silence(chooser, now_ms)),
            commands.DropSilence(chooser.choice(silences)),
            commands.AcknowledgeAlert(chooser.choice(alerts), "root"),
        )
    )


def _random_rule(chooser: random.Random) -> AlertRule:
    return AlertRule(
        channels=chooser.choice((None, ("hook",), ("hook", "mail"), ())),
        conditions={
            Condition.RUN_FAILED: Threshold(
                enabled=chooser.random() < 0.8, after=chooser.choice((1, 1, 2, 3))
            ),
            Condition.LATE: Threshold(enabled=chooser.random() < 0.8, seconds=chooser.choice((0, 3, 20, 60))),
            Condition.STUCK: Threshold(enabled=chooser.random() < 0.8, seconds=chooser.choice((1, 10, 60))),
            Condition.NO_SUCCESS: Threshold(enabled=chooser.random() < 0.5, seconds=100),
            Condition.FLAPPING: Threshold(enabled=True, restarts=2, minutes=1),
        },
        silence_minutes=chooser.choice((None, 0, 1)),
        reminder_minutes=chooser.choice((None, 1)),
        group_seconds=chooser.choice((0, 1, 20)),
    )


def _random_silence(chooser: random.Random, now_ms: int) -> Silence:
    return Silence(
        silence_id=f"silence-{chooser.getrandbits(32):08x}",
        start_ms=now_ms + chooser.choice((-1_000, 20_000)),
        end_ms=now_ms + chooser.choice((30_000, 300_000)),
        job_name=chooser.choice(("", f"job-{chooser.randrange(8)}")),
        condition=chooser.choice((None, Condition.RUN_FAILED, Condition.LATE)),
    )
