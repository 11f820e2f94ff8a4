"""Each type of channel against a real server on loopback: what arrives, what counts as taken, and what stays secret."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from elasticjob_cloud.alerting import Courier, DeliveryError, Letterhead, Sender, probe_message
from elasticjob_cloud.model.alerting.channel import Channel
from elasticjob_cloud.model.alerting.conditions import Condition
from elasticjob_cloud.model.alerting.delivery import DeliveryState
from elasticjob_cloud.model.alerting.json.channel_fields import read_channel
from elasticjob_cloud.model.alerting.message import AlertMessage, MessageKind
from elasticjob_cloud.model.alerting.rule import Language
from elasticjob_cloud.model.trust import CA_FILE_VARIABLE
from tests.alert_outbox import SINCE_MS, MemoryOutbox, make_alert, make_message, make_resolved
from tests.integration.sdk.notification_servers import Answer, HttpRecorder, SmtpRecorder, make_certificate

HEAD = Letterhead("https://jobs.example", "Asia/Shanghai")
NOW_MS = SINCE_MS + 5_000
TAKEN = Answer(body=b'{"errcode": 0, "errmsg": "ok"}')


@pytest.fixture
def server() -> Iterator[HttpRecorder]:
    with HttpRecorder(lambda _: TAKEN) as server:
        yield server


def deliver(channel: Channel, message: AlertMessage) -> None:
    async def run() -> None:
        async with Courier(HEAD, lambda: NOW_MS) as courier:
            await courier.deliver(channel, message)

    asyncio.run(run())


def channel_of(kind: str, url: str, **fields: object) -> Channel:
    return read_channel(kind, {"type": kind, "url": url, **fields})


def body_of(server: HttpRecorder, number: int = 0) -> Any:
    return json.loads(server.wait_requests(number + 1)[number].body)


def test_webhook_is_json_with_id_and_signature(server: HttpRecorder) -> None:
    channel = channel_of(
        "webhook", server.url + "/in", secret="s3cret", headers={"Authorization": "Bearer t0ken"}
    )
    deliver(channel, make_message())
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/in")
    assert request.headers["webhook-id"] == "message-1"
    assert request.headers["authorization"] == "Bearer t0ken"
    assert request.headers["webhook-timestamp"] == str(NOW_MS // 1000)
    signed = b"message-1." + str(NOW_MS // 1000).encode() + b"." + request.body
    digest = hmac.new(b"s3cret", signed, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    body = body_of(server)
    assert (body["id"], body["kind"], body["total"], body["severity"]) == ("message-1", "FIRE", 1, "CRITICAL")
    (alert,) = body["alerts"]
    assert (alert["jobName"], alert["appName"], alert["runId"], alert["shardingItems"], alert["summary"]) == (
        "report",
        "finance",
        17,
        [3],
        "KeyError: 'x'",
    )


def test_webhook_takes_keys_of_standard_webhooks(server: HttpRecorder) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * 24).decode()
    deliver(channel_of("webhook", server.url, secret=secret), make_message())
    (request,) = server.requests
    signed = f"message-1.{request.headers['webhook-timestamp']}.".encode() + request.body
    digest = hmac.new(b"k" * 24, signed, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()


def test_dingtalk_is_signed_and_calls_people(server: HttpRecorder) -> None:
    channel = channel_of(
        "dingtalk",
        server.url + "/robot/send?access_token=abc",
        secret="SECx",
        keyword="作业",
        mentions=["138"],
    )
    deliver(channel, make_message(language=Language.CHINESE))
    query = parse_qs(urlsplit(server.requests[0].path).query)
    digest = hmac.new(b"SECx", f"{NOW_MS}\nSECx".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(digest).decode()]
    assert (query["timestamp"], query["access_token"]) == ([str(NOW_MS)], ["abc"])
    body = body_of(server)
    assert (body["msgtype"], body["at"]) == ("text", {"atMobiles": ["138"], "isAtAll": False})
    content = body["text"]["content"]
    assert content.startswith("作业 [告警] 作业 report：运行失败\n")
    assert content.endswith("@138")


def test_wecom_stays_within_its_limit(server: HttpRecorder) -> None:
    channel = channel_of("wecom", server.url + "/send?key=abc", mentions=["139", "@all"])
    deliver(channel, make_message(*[make_alert(summary="错" * 400)] * 10))
    text = body_of(server)["text"]
    assert len(text["content"].encode()) <= 2048
    assert (text["mentioned_mobile_list"], text["mentioned_list"]) == (["139"], ["@all"])


def test_feishu_is_signed_in_the_body(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(body=b'{"StatusCode": 0, "StatusMessage": "success"}')
    deliver(channel_of("feishu", server.url + "/hook/abc", secret="s"), make_message())
    body = body_of(server)
    seconds = NOW_MS // 1000
    digest = hmac.new(f"{seconds}\ns".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == (str(seconds), base64.b64encode(digest).decode())
    assert (body["msg_type"], "KeyError" in body["content"]["text"]) == ("text", True)


def test_slack_gets_no_links_from_a_job(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(body=b"ok")
    deliver(
        channel_of("slack", server.url + "/services/T/B/x"),
        make_message(make_alert(summary="<!channel> & co")),
    )
    assert "&lt;!channel&gt; &amp; co" in body_of(server)["text"]


def test_teams_gets_a_card(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(202)
    deliver(channel_of("teams", server.url + "/workflows/x"), make_message())
    (attachment,) = body_of(server)["attachments"]
    card = attachment["content"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert card["body"][0]["text"] == "[FIRING] Job report: run failed"
    assert card["actions"][0]["url"] == "https://jobs.example/runs/17"


def test_pagerduty_has_one_incident_for_each_message(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(202, b'{"status": "success"}')
    channel = channel_of("pagerduty", server.url + "/v2/enqueue", secret="routing")
    deliver(channel, make_message())
    deliver(channel, make_message(kind=MessageKind.REMIND))
    over = make_message(make_resolved(), kind=MessageKind.RESOLVE, message_id="message-2")
    deliver(channel, over)
    assert len(server.requests) == 1, "others of the group are still wrong"
    deliver(channel, make_message(make_resolved(), kind=MessageKind.RESOLVE, closed_ids=("message-1",)))
    trigger, resolve = body_of(server), body_of(server, 1)
    assert (trigger["event_action"], trigger["dedup_key"], trigger["routing_key"]) == (
        "trigger",
        "message-1",
        "routing",
    )
    assert (trigger["payload"]["severity"], trigger["payload"]["source"]) == ("critical", "host-1")
    assert (resolve["event_action"], resolve["dedup_key"]) == ("resolve", "message-1")
    deliver(channel, probe_message("pagerduty", "test-1", NOW_MS, Language.ENGLISH))
    assert [body_of(server, number)["event_action"] for number in (2, 3)] == ["trigger", "resolve"]


def test_alertmanager_gets_the_same_labels_at_the_end(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer()
    channel = channel_of("alertmanager", server.url + "/", headers={"Authorization": "Bearer x"})
    deliver(channel, make_message(make_alert(), make_alert(Condition.AGENT_LOST)))
    deliver(channel, make_message(make_resolved(), kind=MessageKind.RESOLVE))
    deliver(channel, probe_message("alertmanager", "test-1", NOW_MS, Language.ENGLISH))
    assert {request.path for request in server.requests} == {"/api/v2/alerts"}
    failed, lost = body_of(server)
    (over,) = body_of(server, 1)
    assert failed["labels"] == over["labels"]
    assert failed["labels"] == {
        "alertname": "ElasticJob_RUN_FAILED",
        "severity": "critical",
        "subject": "report",
        "app": "finance",
    }
    assert lost["labels"]["subject"] == "host-1"
    assert failed["startsAt"] == "2027-01-15T08:00:00+00:00"
    assert failed["endsAt"] > "2028"
    assert over["endsAt"] == "2027-01-15T09:00:00+00:00"
    assert body_of(server, 2)[0]["labels"]["alertname"] == "ElasticJob_TEST"


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
@pytest.mark.parametrize(
    "answer, told",
    [
        (
            b'{"errcode": 310000, "errmsg": "keywords not in content"}',
            "error 310000: keywords not in content",
        ),
        (b"<html>", "does not answer like a robot"),
        (b"[]", "does not answer like a robot"),
    ],
)
def test_robot_that_answers_200_may_have_refused(
    server: HttpRecorder, kind: str, answer: bytes, told: str
) -> None:
    server.answer = lambda _: Answer(body=answer)
    with pytest.raises(DeliveryError, match=told) as caught:
        deliver(channel_of(kind, server.url), make_message())
    assert not caught.value.is_final


def test_robot_with_too_many_messages_is_left_alone_for_a_minute(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(body=b'{"errcode": 130101, "errmsg": "send too fast"}')
    with pytest.raises(DeliveryError) as caught:
        deliver(channel_of("dingtalk", server.url), make_message())
    assert caught.value.retry_after_seconds == 60


@pytest.mark.parametrize(
    "status, is_final", [(400, True), (413, True), (401, False), (404, False), (429, False), (503, False)]
)
def test_statuses_that_are_worth_another_try(server: HttpRecorder, status: int, is_final: bool) -> None:
    server.answer = lambda _: Answer(status, b"no", {"Retry-After": "7"})
    with pytest.raises(DeliveryError, match=f"answered {status}: no") as caught:
        deliver(channel_of("webhook", server.url), make_message())
    assert (caught.value.is_final, caught.value.retry_after_seconds) == (is_final, 7)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secrets_follow_no_redirect_to_another_host(server: HttpRecorder, status: int) -> None:
    with HttpRecorder() as other:
        server.answer = lambda _: Answer(status, headers={"Location": other.url + "/in"})
        channel = channel_of("webhook", server.url, secret="s", headers={"Authorization": "Bearer t0ken"})
        with pytest.raises(DeliveryError, match="another address"):
            deliver(channel, make_message())
        assert not other.requests


def test_redirect_within_a_host_is_followed_with_all_that_was_sent(server: HttpRecorder) -> None:
    server.answer = lambda it: TAKEN if it.path == "/new" else Answer(307, headers={"Location": "/new"})
    deliver(channel_of("webhook", server.url + "/old", secret="s"), make_message())
    old, new = server.requests
    assert (new.path, new.body, new.headers["webhook-signature"]) == (
        "/new",
        old.body,
        old.headers["webhook-signature"],
    )


def test_redirects_in_a_circle_end(server: HttpRecorder) -> None:
    server.answer = lambda _: Answer(308, headers={"Location": "/again"})
    with pytest.raises(DeliveryError, match="more than 3 times"):
        deliver(channel_of("webhook", server.url), make_message())
    assert len(server.requests) == 4


HEADERS = {"Authorization": "Bearer s3cr3t"}
WITH_SECRETS: list[tuple[str, Mapping[str, object]]] = [
    ("webhook", {"secret": "s3cr3t", "headers": HEADERS}),
    ("dingtalk", {"secret": "s3cr3t"}),
    ("wecom", {}),
    ("feishu", {"secret": "s3cr3t"}),
    ("slack", {}),
    ("teams", {}),
    ("pagerduty", {"secret": "s3cr3t"}),
    ("alertmanager", {"headers": HEADERS}),
]


@pytest.mark.parametrize("kind, fields", WITH_SECRETS)
def test_errors_hold_no_secret_even_when_the_server_repeats_it(
    server: HttpRecorder, kind: str, fields: Mapping[str, object]
) -> None:
    server.answer = lambda it: Answer(500, f"bad {it.path} {it.headers} {it.body[:80]!r}".encode())
    channel = channel_of(kind, server.url + "/hook/s3cr3t?key=s3cr3t", **fields)
    with pytest.raises(DeliveryError) as caught:
        deliver(channel, make_message())
    assert "s3cr3t" not in str(caught.value)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = channel_of(
            kind, f"http://127.0.0.1:{closed.getsockname()[1]}/hook/s3cr3t?key=s3cr3t", **fields
        )
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        deliver(gone, make_message())
    assert "s3cr3t" not in str(caught.value)


def test_what_a_robot_says_of_its_own_secret_is_not_told(server: HttpRecorder) -> None:
    server.answer = lambda it: Answer(body=json.dumps({"errcode": 1, "errmsg": f"bad {it.path}"}).encode())
    with pytest.raises(DeliveryError, match="error 1: bad") as caught:
        deliver(channel_of("wecom", server.url + "/send?key=s3cr3t"), make_message())
    assert "s3cr3t" not in str(caught.value)


def mail_channel(server: SmtpRecorder, **fields: object) -> Channel:
    body = {
        "type": "mail",
        "host": "127.0.0.1",
        "port": server.port,
        "tls": "none",
        "from": "jobs@example.org",
        "to": ["ops@example.org", "dev@example.org"],
        **fields,
    }
    return read_channel("mail", body)


def test_mail_has_the_messages_id_and_one_line_as_subject() -> None:
    with SmtpRecorder(user="u", password="pw") as server:
        channel = mail_channel(server, username="u", password="pw")
        deliver(channel, make_message(make_alert(job_name="报表"), language=Language.CHINESE))
        (mail,) = server.wait_messages(1)
        assert mail["Subject"] == "[告警] 作业 报表：运行失败"
        assert mail["Message-ID"] == "<message-1@elasticjob-cloud>"
        assert "KeyError: 'x'" in mail.get_content()
        assert server.recipients == [["ops@example.org", "dev@example.org"]]


def test_mail_that_is_refused_says_why_and_no_password() -> None:
    with SmtpRecorder(user="u", password="right") as server:
        with pytest.raises(DeliveryError, match="answered 535: wrong password") as caught:
            deliver(mail_channel(server, username="u", password="wr0ng"), make_message())
        assert "wr0ng" not in str(caught.value)
    told = r"answered 550: not with \*\*\*"
    with SmtpRecorder(refusal="not with s3cr3t") as server, pytest.raises(DeliveryError, match=told):
        deliver(mail_channel(server, password="s3cr3t"), make_message())


def test_mail_server_that_is_not_there() -> None:
    with SmtpRecorder() as server:
        channel = mail_channel(server)
    with pytest.raises(DeliveryError, match="cannot be used: ConnectionRefusedError"):
        deliver(channel, make_message())


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that is trusted until another file is named."""
    certificate, context = make_certificate(tmp_path)
    monkeypatch.setenv(CA_FILE_VARIABLE, str(certificate))
    return context


@pytest.mark.parametrize("way", ["starttls", "ssl"])
def test_mail_goes_over_tls(tls: ssl.SSLContext, way: str) -> None:
    with mail_server_of(tls, way, user="u", password="pw") as server:
        deliver(mail_channel(server, tls=way, username="u", password="pw"), make_message())
        (mail,) = server.wait_messages(1)
        assert mail["Message-ID"] == "<message-1@elasticjob-cloud>"


@pytest.mark.parametrize("way", ["starttls", "ssl"])
def test_mail_server_whose_certificate_nobody_signed_gets_no_password(
    tls: ssl.SSLContext, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(CA_FILE_VARIABLE)
    told = "certificate is not trusted: self-signed certificate. If .* name that authority's PEM file by --ca-file"
    with mail_server_of(tls, way, user="u", password="pw") as server:
        with pytest.raises(DeliveryError, match=told):
            deliver(mail_channel(server, tls=way, username="u", password="pw"), make_message())
        assert server.messages == []


@pytest.mark.parametrize("way", ["starttls", "ssl"])
def test_mail_server_with_the_certificate_of_another_host_is_refused(tls: ssl.SSLContext, way: str) -> None:
    with mail_server_of(tls, way) as server:
        channel = mail_channel(server, tls=way, host="localhost")
        with pytest.raises(DeliveryError, match=r"certificate is another host's: .*localhost.* Use the name"):
            deliver(channel, make_message())
        assert server.messages == []


def test_mail_server_that_speaks_tls_in_another_way_is_told_with_the_setting(tls: ssl.SSLContext) -> None:
    with SmtpRecorder() as plain:
        with pytest.raises(DeliveryError, match=r"offers no STARTTLS. .* set tls to ssl"):
            deliver(mail_channel(plain, tls="starttls"), make_message())
        with pytest.raises(DeliveryError, match=r"no TLS from the start on this port. Set tls to starttls"):
            deliver(mail_channel(plain, tls="ssl"), make_message())
        assert plain.messages == []
    with mail_server_of(tls, "starttls") as server, pytest.raises(DeliveryError, match="530: STARTTLS first"):
        deliver(mail_channel(server, tls="none"), make_message())


def mail_server_of(tls: ssl.SSLContext, way: str, **fields: Any) -> SmtpRecorder:
    if way == "starttls":
        return SmtpRecorder(starttls=tls, **fields)
    server = SmtpRecorder(**fields)
    server.wrap = lambda connection: tls.wrap_socket(connection, server_side=True)
    return server


def test_webhook_whose_certificate_nobody_signed_is_refused(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = HttpRecorder(lambda _: TAKEN)
    server.server.socket = tls.wrap_socket(server.server.socket, server_side=True)
    with server:
        channel = channel_of("webhook", server.url.replace("http:", "https:"))
        deliver(channel, make_message())
        monkeypatch.delenv(CA_FILE_VARIABLE)
        with pytest.raises(DeliveryError, match=r"certificate is not trusted: self-signed certificate. If"):
            deliver(channel, make_message())
        assert len(server.requests) == 1


def test_secrets_in_reasons_are_in_no_message(server: HttpRecorder) -> None:
    message = make_message(make_alert(summary="OperationalError: password=hunter2 is wrong"))
    deliver(channel_of("webhook", server.url), message)
    with SmtpRecorder() as mail_server:
        deliver(mail_channel(mail_server), message)
        (mail,) = mail_server.wait_messages(1)
    body = body_of(server)
    assert body["alerts"][0]["summary"] == "OperationalError: password=*** is wrong"
    assert "password=*** is wrong" in body["text"]
    assert "password=*** is wrong" in mail.get_content()


def test_test_message_arrives() -> None:
    with SmtpRecorder() as server:
        deliver(mail_channel(server), probe_message("mail", "test-1", NOW_MS, Language.ENGLISH))
        (mail,) = server.wait_messages(1)
        assert mail["Subject"] == "[TEST] ElasticJob-Cloud"
        assert "The channel works." in mail.get_content()


def test_alert_arrives_at_three_channels_though_a_fourth_never_answers(server: HttpRecorder) -> None:
    """A server that takes connections and says nothing slows nobody."""
    with SmtpRecorder() as mail_server, socket.create_server(("127.0.0.1", 0)) as silent:
        outbox = MemoryOutbox(
            channel_of("webhook", server.url),
            channel_of("dingtalk", server.url + "/robot"),
            mail_channel(mail_server),
            channel_of("slack", f"http://127.0.0.1:{silent.getsockname()[1]}/x"),
        )
        outbox.post(make_message(channels=("slack", "webhook", "dingtalk", "mail")))
        outbox.post(
            make_message(
                make_resolved(),
                kind=MessageKind.RESOLVE,
                message_id="message-2",
                channels=("webhook", "dingtalk", "mail"),
            )
        )

        async def send() -> None:
            async with Courier(HEAD, lambda: NOW_MS) as courier:
                task = asyncio.create_task(Sender(outbox, courier.deliver, lambda: NOW_MS).run())
                await outbox.wait_delivered(6)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

        asyncio.run(send())
        assert outbox.states("slack") == [DeliveryState.PENDING]
        subjects = [mail["Subject"] for mail in mail_server.wait_messages(2)]
        assert subjects == ["[FIRING] Job report: run failed", "[RESOLVED] Job report: runs succeed again"]
