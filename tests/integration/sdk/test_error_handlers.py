"""EMAIL, WECHAT, DINGTALK and WEBHOOK, against real servers."""

import base64
import hashlib
import hmac
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from elasticjob_cloud import ShardingContext, StartError
from elasticjob_cloud.testing import run_shard
from tests.integration.sdk.notification_servers import (
    Answer,
    HttpRecorder,
    Received,
    SmtpRecorder,
    make_certificate,
    slowly,
)
from tests.integration.sdk.sdk_agent import SdkAgent

NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
TAKEN = Answer(body=b'{"errcode": 0, "errmsg": "ok"}')
JOBS = """
def fails(context):
    raise ValueError("boom \\u5317\\u4eac")

async def fails_async(context):
    fails(context)
"""
MAIL = {"email.host": "127.0.0.1", "email.useSsl": "false", "email.from": "jobs@example.org"}


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def robot() -> Iterator[HttpRecorder]:
    with HttpRecorder(lambda request: TAKEN) as robot:
        yield robot


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[SdkAgent]:
    with SdkAgent(tmp_path) as agent:
        agent.write("jobs.py", JOBS)
        yield agent


def fails(context: ShardingContext) -> None:
    raise ValueError("boom 北京")


def tell(handler: str, caplog: pytest.LogCaptureFixture, **props: str) -> str:
    """Let a job fail under a handler; what was logged of the sending."""
    caplog.set_level("INFO")
    prefix = handler.lower()
    named = {f"{prefix}.{name}" if "." not in name else name: value for name, value in props.items()}
    result = run_shard(fails, job_name="report", props=named, error_handler=handler)
    assert isinstance(result.exception, ValueError)
    assert "boom" in result.stderr, "it is logged as well"
    return "\n".join(
        record.getMessage() for record in caplog.records if record.name == "elasticjob_cloud.notification"
    )


def body_of(request: Received) -> dict[str, Any]:
    assert request.method == "POST"
    assert request.headers["content-type"].startswith("application/json")
    content: dict[str, Any] = json.loads(request.body)
    return content


def test_wechat_gets_the_failure_as_text(robot: HttpRecorder, caplog: pytest.LogCaptureFixture) -> None:
    told = tell("WECHAT", caplog, webhook=f"{robot.url}/send?key=k")
    assert told == "The failure of job 'report' was told by WECHAT"
    (request,) = robot.requests
    assert request.path == "/send?key=k"
    content = body_of(request)
    assert content["msgtype"] == "text"
    text = content["text"]["content"]
    assert text.startswith("Job 'report' exception occur in job processing, caused by Traceback")
    assert text.endswith("ValueError: boom 北京\n")
    assert len(text.encode()) <= 2048


def test_dingtalk_gets_keyword_and_signature(robot: HttpRecorder, caplog: pytest.LogCaptureFixture) -> None:
    began_ms = int(time.time() * 1000)
    tell("DINGTALK", caplog, webhook=f"{robot.url}/robot/send?access_token=t", secret="SEC1", keyword="警报")
    (request,) = robot.requests
    query = parse_qs(urlsplit(request.path).query)
    assert query["access_token"] == ["t"]
    timestamp = query["timestamp"][0]
    assert began_ms <= int(timestamp) <= time.time() * 1000
    expected = hmac.new(b"SEC1", f"{timestamp}\nSEC1".encode(), hashlib.sha256).digest()
    assert base64.b64decode(query["sign"][0]) == expected
    assert body_of(request)["text"]["content"].startswith("警报\nJob 'report'")


def test_dingtalk_without_secret_is_not_signed(robot: HttpRecorder, caplog: pytest.LogCaptureFixture) -> None:
    tell("DINGTALK", caplog, webhook=f"{robot.url}/send")
    assert robot.requests[0].path == "/send"


def test_webhook_gets_all_facts_and_its_headers(
    robot: HttpRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    tell("WEBHOOK", caplog, url=robot.url, **{"webhook.header.Authorization": "Bearer t"})
    (request,) = robot.requests
    assert request.headers["authorization"] == "Bearer t"
    content = body_of(request)
    assert content["jobName"] == "report"
    assert content["taskId"].startswith("report@-@0@-@")
    assert content["shardingItem"] == 0
    assert abs(content["failedTime"] - time.time() * 1000) < 60_000
    assert content["failureCause"].endswith("ValueError: boom 北京\n")
    assert content["message"].startswith("Job 'report' exception occur")


@pytest.mark.parametrize(
    "answer, part",
    [
        (Answer(500), "500"),
        (Answer(body=b'{"errcode": 310000, "errmsg": "sign not match"}'), "310000: sign not match"),
        (Answer(body=b"<html>"), "not that of a chat robot"),
        (Answer(body=b"[1]"), "not that of a chat robot"),
    ],
)
def test_robot_that_refuses_is_logged_and_its_secrets_are_not(
    robot: HttpRecorder, caplog: pytest.LogCaptureFixture, answer: Answer, part: str
) -> None:
    robot.answer = lambda request: answer
    told = tell("DINGTALK", caplog, webhook=f"{robot.url}/send?access_token=hush", secret="SEChush")
    assert "could not be told by DINGTALK" in told
    assert part in told
    assert "hush" not in caplog.text


def test_robot_that_is_not_there_or_slow_is_logged(
    robot: HttpRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/?key=hush"
        assert "refused" in tell("WECHAT", caplog, webhook=url)
    robot.answer = slowly(0.5)
    assert "no answer in time" in tell("WECHAT", caplog, webhook=f"{robot.url}?key=hush", readTimeout="50")
    assert "hush" not in caplog.text


def test_mail_is_sent_to_all_its_recipients(caplog: pytest.LogCaptureFixture) -> None:
    with SmtpRecorder(user="u", password="hush") as server:
        told = tell(
            "EMAIL",
            caplog,
            port=str(server.port),
            username="u",
            password="hush",
            subject="作业失败",
            to="a@example.org, b@example.org",
            cc="c@example.org",
            bcc="d@example.org",
            debug="true",
            **MAIL,
        )
        (mail,) = server.messages
    assert "was told by EMAIL" in told
    assert server.recipients == [[f"{name}@example.org" for name in "abcd"]]
    assert mail["Subject"] == "作业失败"
    assert mail["To"] == "a@example.org, b@example.org"
    assert mail["Bcc"] is None
    text = mail.get_content()
    assert text.startswith("Job 'report' exception occur in job processing, caused by Traceback")
    assert "ValueError: boom 北京" in text
    assert "hush" not in caplog.text


@pytest.mark.parametrize(
    "password, refusal, part", [("wrong", "", "535"), ("hush", "no mail from you", "no mail from you")]
)
def test_mail_that_is_refused_is_logged(
    caplog: pytest.LogCaptureFixture, password: str, refusal: str, part: str
) -> None:
    with SmtpRecorder(user="u", password="hush", refusal=refusal) as server:
        told = tell(
            "EMAIL",
            caplog,
            port=str(server.port),
            username="u",
            password=password,
            to="a@example.org",
            **MAIL,
        )
    assert "could not be told by EMAIL" in told
    assert part in told
    assert server.messages == []
    assert password not in caplog.text


@pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="skipped without openssl, which makes the certificate: apt-get install openssl",
)
def test_mail_goes_over_tls_to_a_server_that_is_trusted_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = make_certificate(tmp_path)
    with SmtpRecorder() as server:
        server.wrap = lambda connection: context.wrap_socket(
            connection, server_side=True, do_handshake_on_connect=False
        )
        props = MAIL | {"port": str(server.port), "to": "a@example.org", "email.useSsl": "true"}
        assert "CERTIFICATE_VERIFY_FAILED" in tell("EMAIL", caplog, **props)
        assert server.messages == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert "was told by EMAIL" in tell("EMAIL", caplog, **props)
        assert len(server.messages) == 1


def test_handler_without_its_settings_keeps_the_job_from_running(agent: SdkAgent) -> None:
    agent.start("jobs:fails")
    agent.run(jobErrorHandlerType="EMAIL", props={"email.host": "127.0.0.1"})
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_ERROR"
    assert "email.port, email.from, email.to" in ended["message"]
    with pytest.raises(StartError, match=r"webhook\.url"):
        run_shard(fails, error_handler="WEBHOOK")


@pytest.mark.parametrize(
    "job, service",
    [("fails", "CPU"), ("fails", "SINGLE_THREAD"), ("fails", "PROCESS"), ("fails_async", "CPU")],
)
def test_executor_reports_logs_and_tells_a_failure(
    agent: SdkAgent, robot: HttpRecorder, job: str, service: str
) -> None:
    agent.start(f"jobs:{job}", environment=NO_PROXY)
    props = {"webhook.url": f"{robot.url}/?token=hush"}
    agent.run(jobErrorHandlerType="WEBHOOK", jobExecutorServiceHandlerType=service, props=props)
    ended = agent.wait_end("t0")
    assert ended["state"] == "TASK_FINISHED"
    assert ended["success"] is False
    assert "ValueError: boom" in agent.text("t0", "stderr")
    assert body_of(robot.wait_requests(1)[0])["taskId"] == "t0"
    agent.send({"type": "stop"})
    assert agent.wait_exit() == 0
    own = "".join(agent.own_output())
    assert "was told by WEBHOOK" in own
    assert "hush" not in own


@pytest.mark.slow
def test_server_that_never_answers_holds_up_no_report_and_no_end(
    agent: SdkAgent, robot: HttpRecorder
) -> None:
    released = threading.Event()

    def answer(request: Received) -> Answer:
        released.wait(20)
        return TAKEN

    robot.answer = answer
    agent.write(
        "jobs.py", f"from elasticjob_cloud.sdk import executor\nexecutor._MESSAGES_SECONDS = 0.3\n{JOBS}"
    )
    agent.start("jobs:fails", environment=NO_PROXY)
    props = {"wechat.webhook": robot.url, "wechat.readTimeoutMilliseconds": "0"}
    began = time.monotonic()
    agent.run(range(100), jobErrorHandlerType="WECHAT", props=props)
    for item in range(100):
        agent.wait_end(f"t{item}")
    assert time.monotonic() - began < 15, "the server holds its answer back for 20 s"
    robot.wait_requests(1)
    agent.send({"type": "stop"})
    assert agent.wait_exit(seconds=10) == 0
    released.set()


@pytest.mark.parametrize("service", ["CPU", "PROCESS"])
def test_flood_is_bounded_and_its_rest_is_counted(agent: SdkAgent, robot: HttpRecorder, service: str) -> None:
    """Also when several worker processes fail: one process knows how much a receiver got."""
    agent.start("jobs:fails", environment=NO_PROXY)
    agent.run(
        range(50),
        jobErrorHandlerType="WEBHOOK",
        jobExecutorServiceHandlerType=service,
        props={"webhook.url": robot.url},
    )
    for item in range(50):
        agent.wait_end(f"t{item}")
    agent.send({"type": "stop"})
    assert agent.wait_exit() == 0
    assert 10 <= len(robot.requests) <= 11
    notes = [body_of(request)["leftOut"] for request in robot.requests]
    assert sum(int(note.rpartition(" ")[2].rstrip(".")) for note in notes if note) == 40
