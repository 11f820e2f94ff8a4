"""From what is wrong to the receiver: a real scheduler on a real database, and a server that takes its messages."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from elasticjob_cloud.model.alerting.alert import Alert, AlertState
from elasticjob_cloud.model.alerting.changes import AlertChanges
from elasticjob_cloud.model.alerting.delivery import DeliveryState
from elasticjob_cloud.model.alerting.json.channel_fields import read_channel
from elasticjob_cloud.model.alerting.json.rule_fields import read_rule
from elasticjob_cloud.model.alerting.queries import AlertQuery, DeliveryQuery
from elasticjob_cloud.model.errors import NotFoundError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.scheduling import CoreSettings
from elasticjob_cloud.service.alerting.settings import AlertSettings
from elasticjob_cloud.service.port import AcknowledgeAlert, PutAlertRule
from elasticjob_cloud.service.scheduler import LeadershipSettings, Scheduler
from elasticjob_cloud.store import SqlStore
from tests.alert_outbox import make_message
from tests.fakes.idle_engine import IdleEngine
from tests.integration.sdk.notification_servers import Answer, HttpRecorder

_DEADLINE_SECONDS = 20.0
# No agent is ever there: that is what goes wrong, at once.
RULE = {"channels": ["ops"], "conditions": {"NO_AGENT": {"seconds": 0.001}}, "groupSeconds": 0}


@pytest.fixture
def receiver() -> Iterator[HttpRecorder]:
    with HttpRecorder(lambda _: Answer(body=b"ok")) as server:
        yield server


def scheduler_on(directory: Path) -> Scheduler:
    url = f"sqlite:///{directory}/elasticjob.db"
    settings = LeadershipSettings("http://127.0.0.1:1", alerts=AlertSettings("https://jobs.example"))
    return Scheduler(SqlStore(url), IdleEngine(), CoreSettings(), settings, database_url=url)


def hook(receiver: HttpRecorder) -> dict[str, Any]:
    return {"type": "webhook", "url": receiver.url + "/in"}


async def received(receiver: HttpRecorder, count: int) -> list[Any]:
    requests = await asyncio.to_thread(receiver.wait_requests, count)
    return [json.loads(request.body) for request in requests]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while not await condition():  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)


async def open_alerts(scheduler: Scheduler) -> list[Alert]:
    return (await scheduler.alerts.events(AlertQuery(is_open=True))).rows


def test_what_is_wrong_arrives_is_listed_and_can_be_acknowledged(
    tmp_path: Path, receiver: HttpRecorder
) -> None:
    async def run() -> None:
        scheduler = scheduler_on(tmp_path)
        await scheduler.start()
        try:
            await scheduler.alerts.put_channel(read_channel("ops", hook(receiver)))
            assert await scheduler.alerts.try_channel("ops") is None
            await scheduler.submit(PutAlertRule("global", read_rule(RULE)))
            test, fire = await received(receiver, 2)
            assert (test["kind"], fire["kind"]) == ("TEST", "FIRE")
            assert [alert["condition"] for alert in fire["alerts"]] == ["NO_AGENT"]
            assert fire["alerts"][0]["link"].startswith("https://jobs.example")
            (alert,) = await open_alerts(scheduler)
            assert (alert.condition.value, alert.message_id) == ("NO_AGENT", fire["id"])

            async def is_delivered() -> bool:
                page = await scheduler.alerts.deliveries(DeliveryQuery(state=DeliveryState.DELIVERED))
                return [it.delivery.message_id for it in page.rows] == [fire["id"]]

            await until(is_delivered)
            await scheduler.submit(AcknowledgeAlert(alert.alert_id, "ada"))
            known = await scheduler.alerts.event(alert.alert_id)
            assert (known.state, known.acknowledged_by) == (AlertState.ACKNOWLEDGED, "ada")
            with pytest.raises(NotFoundError):
                await scheduler.submit(AcknowledgeAlert("none", "ada"))
        finally:
            await scheduler.stop()

    asyncio.run(run())


def test_what_a_crash_left_in_the_outbox_is_sent_by_the_next_leader(
    tmp_path: Path, receiver: HttpRecorder
) -> None:
    store = SqlStore(f"sqlite:///{tmp_path}/elasticjob.db")
    store.migrate()
    epoch = store.acquire_lease("crashed", "", 0.001)
    assert epoch is not None
    store.alerts.put_channel(read_channel("hook", hook(receiver)))
    messages = [make_message(message_id="m1"), make_message(message_id="m2")]
    assert store.commit(epoch, Changes(alerts=AlertChanges(messages=messages)))
    store.close()

    async def run() -> None:
        scheduler = scheduler_on(tmp_path)
        await scheduler.start()
        try:
            assert [body["id"] for body in await received(receiver, 2)] == ["m1", "m2"]
        finally:
            await scheduler.stop()

    asyncio.run(run())


def test_a_dead_channel_is_told_by_its_test(tmp_path: Path) -> None:
    async def run() -> None:
        scheduler = scheduler_on(tmp_path)
        await scheduler.start()
        try:
            channel = read_channel("ops", {"type": "webhook", "url": "http://127.0.0.1:9/x"})
            await scheduler.alerts.put_channel(channel)
            error = await scheduler.alerts.try_channel("ops")
            assert error is not None
            assert "/x" not in error
            with pytest.raises(NotFoundError):
                await scheduler.alerts.try_channel("none")
        finally:
            await scheduler.stop()

    asyncio.run(run())
