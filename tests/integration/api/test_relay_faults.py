"""What a standby answers where the leader's address or the database is what fails, over real sockets."""

import asyncio
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from elasticjob_cloud.api.leader import relay as relay_module
from elasticjob_cloud.service.port import SchedulerView
from tests.integration.api.forwarding_leaders import (
    APP,
    FakeLeader,
    KnownLeader,
    answer,
    begin_to_answer,
    die_in_mid_answer,
    frozen_while_another_leads,
    standby,
)
from tests.processes import free_port
from tests.waiting import wait_for

_OWN_URL = "http://127.0.0.1:8899"


class SilentDirectory(KnownLeader):
    """A database that answers no more once it is `silent`."""

    silent = False

    async def leader_elsewhere(self) -> SchedulerView | None:
        if self.silent:
            await asyncio.sleep(15)
        return await super().leader_elsewhere()


class CountingDirectory(KnownLeader):
    """Counts how often it is asked, and answers in a moment, as a database does."""

    looks = 0

    async def leader_elsewhere(self) -> SchedulerView | None:
        self.looks += 1
        await asyncio.sleep(0.01)
        return await super().leader_elsewhere()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == relay_module.__name__]


def test_caller_is_told_that_the_leader_cannot_be_reached_and_the_log_says_where(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_COMPLAIN_AFTER_SECONDS", 0.2)
    known = KnownLeader()
    url = f"http://127.0.0.1:{free_port()}"
    known.appoint(url)
    with standby(known, wait_seconds=0.5) as client:
        answers = [client.request(method, "/api/app/list") for method in ("GET", "POST")]

    for given in answers:
        assert (given.status_code, given.headers["retry-after"]) == (503, "1")
        assert "cannot be reached" in given.json()["message"]
        assert url not in given.text  # it may be an address that callers are not to know
    (warning,) = warnings(caplog)
    assert url in warning
    assert "advertise_url" in warning


def test_leader_that_was_killed_is_no_reason_to_doubt_its_address(
    leader: FakeLeader, caplog: pytest.LogCaptureFixture
) -> None:
    known = KnownLeader()
    known.appoint(f"http://127.0.0.1:{free_port()}")
    leader.behaviours = [answer()]
    with standby(known) as client:
        timer = threading.Timer(0.5, lambda: known.appoint(leader.url))
        timer.start()
        assert client.post("/api/app", json=APP).json() is True
        timer.join()

    assert warnings(caplog) == []


@pytest.mark.parametrize("url", ["http://host:port", "http://", "nonsense"])
def test_address_that_is_none_is_no_fault_of_the_caller_and_nothing_was_done(url: str) -> None:
    known = KnownLeader()
    known.appoint(url)
    with standby(known, wait_seconds=0.3) as client:
        given = client.post("/api/app", json=APP)

    assert given.status_code == 503
    assert "cannot be reached" in given.json()["message"]


def test_leader_that_gives_the_standbys_own_address_is_not_asked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "_COMPLAIN_AFTER_SECONDS", 0.1)
    known = KnownLeader()
    known.appoint(_OWN_URL)
    with standby(known, wait_seconds=0.3, own_url=_OWN_URL) as client:
        given = client.post("/api/app", json=APP)

    assert given.status_code == 503
    (warning,) = warnings(caplog)
    assert "this scheduler's own" in warning
    assert "advertise_url" in warning


def test_leader_is_reached_below_the_path_of_its_address(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(f"{leader.url}/scheduler-1")
    leader.behaviours = [answer()]
    with standby(known) as client:
        assert client.post("/api/app?a=b", json=APP).json() is True

    assert [path for _, path, _, _ in leader.requests] == ["/scheduler-1/api/app?a=b"]


def test_call_waits_no_longer_for_a_database_that_falls_silent_than_for_a_leader() -> None:
    known = SilentDirectory()
    known.silent = True
    with standby(known, wait_seconds=0.5) as client:
        started = time.monotonic()
        given = client.post("/api/app", json=APP)

    assert given.status_code == 503
    assert time.monotonic() - started < 12, "the database is silent for 15 s"


def test_answer_of_the_leader_does_not_wait_for_the_database(leader: FakeLeader) -> None:
    known = SilentDirectory()
    known.appoint(leader.url)
    asked = threading.Event()

    def answer_late(handler: BaseHTTPRequestHandler) -> None:
        known.silent = True
        asked.wait(1.5)  # the standby looks meanwhile whether another leads
        answer()(handler)

    leader.behaviours = [answer_late]
    with standby(known) as client:
        started = time.monotonic()
        assert client.post("/api/app", json=APP).json() is True

    assert time.monotonic() - started < 12, "the database is silent for 15 s"


def test_call_whose_caller_went_away_while_nobody_led_is_not_carried_out_later(leader: FakeLeader) -> None:
    known = CountingDirectory()
    leader.behaviours = [answer()]
    with standby(known, wait_seconds=3600) as client:
        assert client.base_url.port is not None
        with socket.create_connection((client.base_url.host, client.base_url.port)) as impatient:
            impatient.sendall(
                b"POST /api/job/trigger HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\njob"
            )
            wait_for(lambda: known.looks >= 3, "the call waits for a leader")
        deadline = time.monotonic() + 10
        looks = -1
        while known.looks != looks:  # it looks ten times a second while a call waits
            assert time.monotonic() < deadline, "it waits on, though nobody wants its answer"
            looks = known.looks
            time.sleep(0.5)
        known.appoint(leader.url)
        assert client.get("/api/app/list").json() is True

    assert [method for method, _, _, _ in leader.requests] == ["GET"]


def test_query_that_the_leader_does_not_answer_in_time_is_not_said_to_lack_a_leader(
    leader: FakeLeader, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    ends = threading.Event()

    def stay_silent(_: BaseHTTPRequestHandler) -> None:
        ends.wait(20)

    leader.behaviours = [stay_silent]
    monkeypatch.setattr(relay_module, "_TIMEOUT", 0.3)
    with standby(known, wait_seconds=0.2) as client:
        given = client.get("/api/app/list")
        ends.set()

    assert given.status_code == 503
    assert "did not answer" in given.json()["message"]


def test_query_goes_to_the_successor_of_a_frozen_leader_however_long_its_lease_was(
    leader: FakeLeader,
) -> None:
    known = CountingDirectory()
    known.appoint(leader.url)
    with standby(known, wait_seconds=0.2) as client, frozen_while_another_leads(known, leader):
        given = client.get("/api/app/list")
    assert (given.status_code, given.content) == (200, b"[]")


def test_query_is_asked_anew_where_the_leader_dies_in_mid_answer(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [die_in_mid_answer, answer(b"[]")]
    with standby(known) as client:
        given = client.get("/api/app/list")

    assert (given.status_code, given.content) == (200, b"[]")


def test_query_is_asked_anew_where_the_leader_freezes_in_mid_answer(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    with standby(known) as client, frozen_while_another_leads(known, leader, begin_to_answer):
        given = client.get("/api/app/list")

    assert (given.status_code, given.content) == (200, b"[]")


def test_outcome_is_unknown_where_the_leader_dies_in_mid_answer_of_a_command(leader: FakeLeader) -> None:
    known = KnownLeader()
    known.appoint(leader.url)
    leader.behaviours = [die_in_mid_answer]
    with standby(known) as client:
        given = client.post("/api/app", json=APP)

    assert given.status_code == 502
    assert len(leader.requests) == 1
