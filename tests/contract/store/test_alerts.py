"""Alerts are written with the turn that decides them, loaded by the next leader, listed, and deleted when they are old."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from elasticjob_cloud.model.alerting.alert import AlertState
from elasticjob_cloud.model.alerting.changes import AlertChanges, AlertSnapshot
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import Delivery, DeliveryState
from elasticjob_cloud.model.alerting.queries import AlertQuery, DeliveryQuery
from elasticjob_cloud.model.alerting.rule import AlertRule
from elasticjob_cloud.model.errors import InvalidRequestError
from elasticjob_cloud.model.records import Changes
from elasticjob_cloud.store import Store
from tests.contract.store import samples
from tests.contract.store.alert_samples import (
    FULL_ALERT,
    FULL_RULE,
    HEALTH,
    alert,
    alerts,
    closed_alert,
    message,
    silence,
)
from tests.contract.store.factories import STORE_FACTORIES


@pytest.fixture(params=sorted(STORE_FACTORIES))
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    with STORE_FACTORIES[request.param]() as open_store:
        yield open_store()


def commit(store: Store, changes: AlertChanges) -> int:
    epoch = store.acquire_lease("test", "", 60, steal=True)
    assert epoch is not None
    assert store.commit(epoch, Changes(alerts=changes))
    return epoch


def delivered(delivery: Delivery, now_ms: int) -> Delivery:
    return replace(delivery, state=DeliveryState.DELIVERED, attempts=1, ended_ms=now_ms)


def ids(store: Store, query: AlertQuery) -> list[str]:
    return [row.alert_id for row in store.alerts.events(query).rows]


def test_what_is_committed_is_what_a_new_leader_starts_from(store: Store) -> None:
    commit(
        store,
        AlertChanges(
            alerts={"full": FULL_ALERT, "over": closed_alert("over", 5)},
            health={"report": HEALTH},
            rules={"global": FULL_RULE, "job:report": AlertRule()},
            silences={"s2": silence("s2", 9), "s1": silence("s1", 4)},
        ),
    )
    assert store.load().alerts == AlertSnapshot(
        rules={"global": FULL_RULE, "job:report": AlertRule()},
        silences=[silence("s1", 4), silence("s2", 9)],
        health=[HEALTH],
        alerts=[FULL_ALERT],
    )
    assert store.alerts.rules() == {"global": FULL_RULE, "job:report": AlertRule()}
    assert store.alerts.event("over") == closed_alert("over", 5)
    assert store.alerts.event("none") is None


def test_a_row_is_written_over_and_deleted_by_its_key(store: Store) -> None:
    commit(
        store,
        AlertChanges(
            alerts={"a": alert("a")},
            health={"report": HEALTH},
            rules={"global": FULL_RULE},
            silences={"s": silence("s")},
        ),
    )
    acknowledged = alert("a", state=AlertState.ACKNOWLEDGED, acknowledged_by="ada", acknowledged_ms=7)
    commit(
        store,
        AlertChanges(
            alerts={"a": acknowledged},
            health={"report": None},
            rules={"global": None},
            silences={"s": None},
        ),
    )
    assert store.load().alerts == AlertSnapshot(alerts=[acknowledged])


def test_alerts_are_written_with_the_other_rows_or_not_at_all(store: Store) -> None:
    epoch = store.acquire_lease("test", "", 60)
    assert epoch is not None
    both = Changes(
        apps={"app": samples.app()},
        alerts=AlertChanges(alerts={"a": alert("a")}, messages=[message("m")]),
    )
    assert not store.commit(epoch + 1, both)
    assert store.load().alerts == AlertSnapshot()
    assert store.alerts.deliveries(DeliveryQuery()).rows == []
    assert store.commit(epoch, both)
    snapshot = store.load()
    assert (list(snapshot.apps), [it.alert_id for it in snapshot.alerts.alerts]) == (["app"], ["a"])
    assert [it.delivery.message_id for it in store.alerts.deliveries(DeliveryQuery()).rows] == ["m"]


def test_texts_of_job_code_are_stored_whatever_they_are(store: Store) -> None:
    odd = alert("a", summary="half \ud800, none \0", where="h\0", subject="s\ud800", acknowledged_by="\ud800")
    told = replace(message("m"), alerts=(odd,))
    epoch = commit(store, AlertChanges(alerts={"a": odd}, messages=[told]))
    kept = store.load().alerts.alerts[0]
    assert kept.summary == "half ?, none \N{REPLACEMENT CHARACTER}"
    (due,) = store.alerts.due_deliveries(epoch, 2_000, frozenset())
    assert due.message.alerts == (kept,)


def test_the_last_to_fire_is_listed_first_and_pages_go_on_where_the_last_one_ended(store: Store) -> None:
    rows = [alert(f"a{number}", 1_000 + number // 2) for number in range(7)]
    commit(store, alerts(*rows))
    seen: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = store.alerts.events(AlertQuery(limit=2, cursor=cursor))
        seen.append([row.alert_id for row in page.rows])
        cursor = page.next
    assert seen == [["a6", "a5"], ["a4", "a3"], ["a2", "a1"], ["a0"]]


def test_each_filter_finds_its_alerts_alone(store: Store) -> None:
    commit(
        store,
        alerts(
            alert("a", 1, job_name="one", app_name="x"),
            alert("b", 2, job_name="two", app_name="x", condition=Condition.LATE),
            alert("c", 3, job_name="two", app_name="y", state=AlertState.ACKNOWLEDGED),
            closed_alert("d", 4),
        ),
    )
    assert ids(store, AlertQuery(job_name="two")) == ["c", "b"]
    assert ids(store, AlertQuery(app_name="x")) == ["b", "a"]
    assert ids(store, AlertQuery(app_name="x", job_name="two")) == ["b"]
    assert ids(store, AlertQuery(condition=Condition.LATE)) == ["b"]
    assert ids(store, AlertQuery(app_name="x", condition=Condition.RUN_FAILED)) == ["a"]
    assert ids(store, AlertQuery(is_open=True)) == ["c", "b", "a"]
    assert ids(store, AlertQuery(state=AlertState.RESOLVED)) == ["d"]
    assert ids(store, AlertQuery(state=AlertState.ACKNOWLEDGED)) == ["c"]
    assert ids(store, AlertQuery(start_ms=2, end_ms=3)) == ["c", "b"]
    assert ids(store, AlertQuery(job_name="none")) == []


@pytest.mark.parametrize(
    "query, field",
    [
        (AlertQuery(limit=0), "limit"),
        (AlertQuery(limit=1_001), "limit"),
        (AlertQuery(cursor="x"), "cursor"),
        (AlertQuery(cursor=f"{2**63}.a"), "cursor"),
        (AlertQuery(start_ms=2**63), "startTime"),
        (DeliveryQuery(limit=0), "limit"),
        (DeliveryQuery(cursor="-1"), "cursor"),
    ],
)
def test_a_question_that_cannot_be_is_refused(
    store: Store, query: AlertQuery | DeliveryQuery, field: str
) -> None:
    ask = store.alerts.events if isinstance(query, AlertQuery) else store.alerts.deliveries
    with pytest.raises(InvalidRequestError) as refused:
        ask(query)  # type: ignore[arg-type]  # each with its own
    assert [error.field for error in refused.value.errors] == [field]


def test_what_is_over_is_deleted_when_it_is_old_and_what_goes_on_stays(store: Store) -> None:
    epoch = commit(
        store,
        AlertChanges(
            alerts={
                "live": alert("live", 1),
                "old": closed_alert("old", 10),
                "young": closed_alert("young", 100),
            },
            silences={"old": silence("old", 0, 10), "young": silence("young", 0, 100)},
            messages=[message("sent", created_ms=5), message("waits", "slow", created_ms=5)],
        ),
    )
    (sent, _) = store.alerts.due_deliveries(epoch, 50, frozenset())
    store.alerts.record_delivery(epoch, delivered(sent.delivery, 20))
    assert store.alerts.prune(50, 0) == 0
    assert store.alerts.prune(50, 100) == 4  # an alert, a silence, a delivery and its message
    assert ids(store, AlertQuery()) == ["young", "live"]
    assert [it.silence_id for it in store.alerts.silences()] == ["young"]
    assert [it.delivery.message_id for it in store.alerts.deliveries(DeliveryQuery()).rows] == ["waits"]
    assert store.alerts.due_deliveries(epoch, 50, frozenset())[0].message == message(
        "waits", "slow", created_ms=5
    )
    assert store.alerts.prune(50, 100) == 0


def test_alerts_that_are_over_go_when_a_full_database_has_no_other_history(store: Store) -> None:
    commit(store, alerts(alert("live", 1), closed_alert("over", 2)))
    assert store.prune_oldest(1_000) == 1
    assert store.prune_oldest(1_000) == 0
    assert ids(store, AlertQuery()) == ["live"]
