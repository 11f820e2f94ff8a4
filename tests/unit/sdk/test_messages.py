"""What error handlers send, and how much of it: text, settings, limits."""

import threading
from dataclasses import replace

import pytest

from elasticjob_cloud.model.output.excerpt import excerpt_bytes
from elasticjob_cloud.sdk.notifications.error_handlers import handler_problem
from elasticjob_cloud.sdk.notifications.mail import make_mail
from elasticjob_cloud.sdk.notifications.message import FailureMessage, redact
from elasticjob_cloud.sdk.notifications.outbox import Outbox
from elasticjob_cloud.sdk.notifications.rate_limit import RateLimit
from elasticjob_cloud.sdk.notifications.webhooks import sign_dingtalk

MAIL = {
    "email.host": "127.0.0.1",
    "email.port": "25",
    "email.from": "jobs@example.org",
    "email.to": "a@example.org",
}
MESSAGE = FailureMessage("WEBHOOK", "job", "task", 0, 0, "boom", {"webhook.url": "http://127.0.0.1:1/"})


def count_left_out(message: FailureMessage) -> int:
    return int(message.left_out.rpartition(" ")[2].rstrip(".") or 0)


def test_receiver_gets_so_many_in_a_window_and_the_rest_is_counted_for_each_job() -> None:
    limit = RateLimit(2, 60)
    assert [limit.admit("r", "a", now) for now in (0, 1, 2)] == [True, True, False]
    assert not limit.admit("r", "b", 59)
    assert limit.admit("other", "a", 59), "each receiver has a window of its own"
    assert limit.take_left_out("r") == "Failures that were not sent one by one: a: 1, b: 1."
    assert limit.take_left_out("r") == "", "told once"
    assert limit.admit("r", "a", 60)


def test_what_was_left_out_is_due_when_the_window_is_over() -> None:
    limit = RateLimit(1, 60)
    limit.admit("r", "a", 0)
    assert limit.next_due() is None
    limit.admit("r", "a", 1)
    assert limit.next_due() == 60
    assert limit.due(59) == []
    assert limit.due(60) == ["r"]


def test_receivers_that_are_done_are_forgotten() -> None:
    limit = RateLimit(1, 60)
    for receiver in range(1000):
        limit.admit(receiver, "a", 0)
    assert limit.due(60) == []
    assert not limit._windows


def test_names_of_many_jobs_are_cut() -> None:
    limit = RateLimit(0, 60)
    for number in range(50):
        limit.admit("r", f"job-{number}", 0)
    assert limit.take_left_out("r").endswith("job-9: 1, other jobs: 40.")


def test_outbox_sends_in_order_and_tells_the_rest_at_the_end() -> None:
    sent: list[FailureMessage] = []
    outbox = Outbox(sent.append, most_in_window=3, window_seconds=1000)
    for number in range(10):
        outbox.post(replace(MESSAGE, cause=f"cause {number}"))
    assert outbox.flush(10)
    assert [message.cause for message in sent[:3]] == ["cause 0", "cause 1", "cause 2"]
    assert sum(map(count_left_out, sent)) == 7


def test_outbox_tells_what_was_left_out_when_the_window_is_over() -> None:
    sent: list[FailureMessage] = []
    told = threading.Event()

    def deliver(message: FailureMessage) -> None:
        sent.append(message)
        if len(sent) == 2:
            told.set()

    outbox = Outbox(deliver, most_in_window=1, window_seconds=0.05)
    outbox.post(MESSAGE)
    assert outbox.flush(10)
    outbox.post(replace(MESSAGE, cause="left out"))
    assert told.wait(10)
    assert sent[1].cause == "left out"


def test_slow_server_holds_up_no_shard_and_fills_no_memory() -> None:
    release = threading.Event()
    sent: list[FailureMessage] = []

    def deliver(message: FailureMessage) -> None:
        release.wait(10)
        sent.append(message)

    outbox = Outbox(deliver, most_in_window=1_000_000)
    for number in range(10_000):
        outbox.post(replace(MESSAGE, cause=str(number)))
    assert not outbox.flush(0.01)
    release.set()
    assert outbox.flush(10)
    assert len(sent) <= 103
    assert sum(map(count_left_out, sent)) == 10_000 - (len(sent) - 1)
    assert sent[-1].cause == "9999", "the newest of those left out stands for them"


def test_text_says_what_elasticjob_says() -> None:
    assert MESSAGE.text == "Job 'job' exception occur in job processing, caused by boom"
    assert replace(MESSAGE, left_out="more").text.endswith("boom\nmore")


def test_long_text_keeps_both_ends_and_its_limit_in_bytes() -> None:
    text = excerpt_bytes("头" + "中" * 5000 + "尾", 2048)
    assert len(text.encode()) <= 2048
    assert text.startswith("头")
    assert text.endswith("尾")
    assert excerpt_bytes("short", 2048) == "short"


def test_longest_secret_is_redacted_first() -> None:
    assert redact("http://h/?key=abc and abc", ["abc", "http://h/?key=abc", ""]) == "*** and ***"


def test_dingtalk_signature_is_made_of_time_and_secret() -> None:
    # Worked out with `printf '1700000000000\nSECxyz' | openssl dgst -sha256 -hmac SECxyz -binary | base64`.
    signed = sign_dingtalk("https://h/robot/send?access_token=t", "SECxyz", 1_700_000_000_000)
    assert (
        signed
        == "https://h/robot/send?access_token=t&timestamp=1700000000000&sign=0PUR1j8g85Xg3vlFV%2FUrEcxXfF5HpCAGzcjrNfyJoyg%3D"
    )
    assert sign_dingtalk("https://h/robot", "s", 1).startswith("https://h/robot?timestamp=1&sign=")


@pytest.mark.parametrize(
    "handler, props, part",
    [
        ("EMAIL", {}, "email.host, email.port, email.from, email.to"),
        ("EMAIL", MAIL | {"email.port": "smtp"}, "email.port"),
        ("WECHAT", {}, "wechat.webhook"),
        ("DINGTALK", {"dingtalk.webhook": "robot"}, "dingtalk.webhook is no URL"),
        (
            "DINGTALK",
            {"dingtalk.webhook": "https://h/", "dingtalk.readTimeout": "5s"},
            "dingtalk.readTimeout",
        ),
        ("WEBHOOK", {"webhook.url": ""}, "webhook.url"),
        ("WEBHOOK", {"webhook.url": "http://h/", "webhook.header.A": "b\r\nc: d"}, "webhook.header.A"),
    ],
)
def test_wrong_settings_of_a_handler_are_named(handler: str, props: dict[str, str], part: str) -> None:
    assert part in (handler_problem(handler, props) or "")


@pytest.mark.parametrize(
    "handler, props",
    [
        ("EMAIL", MAIL),
        ("WECHAT", {"wechat.webhook": "https://h/?key=1", "wechat.connectTimeoutMilliseconds": "100"}),
        ("DINGTALK", {"dingtalk.webhook": "https://h/", "dingtalk.connectTimeoutMillisecond": "100"}),
        ("WEBHOOK", {"webhook.url": "http://h/", "webhook.header.X-Token": "t"}),
    ],
)
def test_good_settings_are_no_problem(handler: str, props: dict[str, str]) -> None:
    assert handler_problem(handler, props) is None


def test_mail_cannot_be_given_headers_by_its_settings() -> None:
    props = MAIL | {
        "email.subject": "Job\r\nBcc: spy@example.org",
        "email.cc": "b@example.org; c@example.org",
    }
    mail = make_mail(replace(MESSAGE, handler="EMAIL", props=props))
    assert mail["Subject"] == "Job Bcc: spy@example.org"
    assert mail["Bcc"] is None
    assert mail["Cc"] == "b@example.org, c@example.org"
