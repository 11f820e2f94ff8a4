"""Jobs of type HTTP, against real servers."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from elasticjob_cloud import JobExecutionError
from elasticjob_cloud.testing import ShardResult, run_shard
from tests.integration.sdk.notification_servers import (
    Answer,
    HttpRecorder,
    Received,
    make_certificate,
    slowly,
)
from tests.integration.sdk.sdk_agent import SdkAgent

NO_PROXY = {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


@pytest.fixture(autouse=True)
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[HttpRecorder]:
    with HttpRecorder(lambda request: Answer(body="你好\n".encode())) as server:
        yield server


def call(url: str, **props: str) -> ShardResult:
    named = {f"http.{name.replace('_', '.')}": value for name, value in props.items()}
    return run_shard(
        "HTTP", item=1, total_count=3, parameter="上海\n", job_parameter="p", props={"http.uri": url} | named
    )


def failure(result: ShardResult) -> str:
    assert isinstance(result.exception, JobExecutionError), result
    return str(result.exception)


def test_request_carries_the_context_in_a_header_of_ascii(server: HttpRecorder) -> None:
    result = call(f"{server.url}/work?day=1")
    assert result.success, result.exception
    assert result.stdout == "你好\n"
    (request,) = server.requests
    assert (request.method, request.path, request.body) == ("GET", "/work?day=1", b"")
    header = request.headers["shardingcontext"]
    assert header.isascii()
    context = json.loads(header)
    assert context["shardingItem"] == 1
    assert context["shardingParameter"] == "上海\n"
    assert context["shardingItemParameters"] == {"1": "上海\n"}
    assert context["shardingTotalCount"] == 3
    assert context["jobParameter"] == "p"
    assert context["jobName"] == "test-job"


def test_data_method_and_content_type_are_sent(server: HttpRecorder) -> None:
    assert call(server.url, method="put", data='{"a":"你"}', content_type="application/json").success
    (request,) = server.requests
    assert (request.method, request.body) == ("PUT", '{"a":"你"}'.encode())
    assert request.headers["content-type"] == "application/json"


def test_data_alone_is_posted_and_a_get_carries_none(server: HttpRecorder) -> None:
    assert call(server.url, data="a=1").success
    assert call(server.url, data="a=1", method="GET").success
    first, second = server.requests
    assert (first.method, first.body) == ("POST", b"a=1")
    assert (second.method, second.body) == ("GET", b"")


def test_url_in_any_letters_and_with_credentials_is_called(server: HttpRecorder) -> None:
    assert call(f"{server.url.replace('//', '//me:p%40ss@')}/路 径?q=东").success
    (request,) = server.requests
    assert request.path == "/%E8%B7%AF%20%E5%BE%84?q=%E4%B8%9C"
    assert request.headers["authorization"] == "Basic bWU6cEBzcw=="
    assert "@" not in request.headers["host"]


@pytest.mark.parametrize("status", [400, 404, 503])
def test_status_from_400_on_is_a_failure_whose_body_is_printed(server: HttpRecorder, status: int) -> None:
    server.answer = lambda request: Answer(status, b"no such thing")
    result = call(f"{server.url}/path?token=secret")
    assert f"GET {server.url}/path was answered with {status}" in failure(result)
    assert "secret" not in failure(result)
    assert result.stdout == "no such thing\n"


def test_long_answer_is_cut(server: HttpRecorder) -> None:
    server.answer = lambda request: Answer(body=b"x" * 1_000_000)
    result = call(server.url)
    assert result.success
    assert len(result.stdout) == (1 << 16) + 1
    assert "left out" in result.stderr


def test_answer_in_another_encoding_is_read(server: HttpRecorder) -> None:
    server.answer = lambda request: Answer(
        body="中文".encode("gbk"), headers={"Content-Type": "text/plain; charset=gbk"}
    )
    assert call(server.url).stdout == "中文\n"
    server.answer = lambda request: Answer(
        body="中".encode() + b"\xff", headers={"Content-Type": "a/b; charset=none"}
    )
    assert call(server.url).stdout == "中\N{REPLACEMENT CHARACTER}\n"


@pytest.mark.parametrize(
    "status, method, after",
    [
        (302, "GET", "GET"),
        (302, "POST", "GET"),
        (307, "POST", "POST"),
        (303, "PUT", "GET"),
        (308, "PUT", "PUT"),
    ],
)
def test_redirect_within_the_protocol_is_followed(
    server: HttpRecorder, status: int, method: str, after: str
) -> None:
    server.answer = lambda request: (
        Answer(status, headers={"Location": "/there"}) if request.path == "/here" else Answer(body=b"arrived")
    )
    result = call(f"{server.url}/here", method=method, data="d")
    assert result.stdout == "arrived\n", result.exception
    second = server.requests[1]
    assert (second.method, second.path) == (after, "/there")
    assert second.body == (b"d" if after != "GET" else b"")
    assert "shardingcontext" in second.headers


@pytest.mark.parametrize(
    "headers", [{"Location": "https://127.0.0.1:1/"}, {"Location": "file:///etc/hostname"}, {}]
)
def test_redirect_that_is_not_followed_is_a_failure(server: HttpRecorder, headers: dict[str, str]) -> None:
    server.answer = lambda request: Answer(302, headers=headers)
    result = call(server.url)
    assert "answered with 302 Found" in failure(result)
    assert "which was not followed" in failure(result)
    assert result.stdout == ""


def test_redirects_in_a_circle_end(server: HttpRecorder) -> None:
    server.answer = lambda request: Answer(302, headers={"Location": "/"})
    assert "more than 20 redirects" in failure(call(server.url))
    assert len(server.requests) == 21


def test_credentials_stay_with_their_host(server: HttpRecorder) -> None:
    with HttpRecorder() as other:
        server.answer = lambda request: Answer(302, headers={"Location": other.url})
        assert call(server.url.replace("//", "//me:pass@")).success
        assert "authorization" in server.requests[0].headers
        assert "authorization" not in other.requests[0].headers


def test_connect_and_read_timeouts_are_their_own(server: HttpRecorder) -> None:
    server.answer = slowly(0.4)
    assert call(server.url, connect_timeout_milliseconds="100").success, "the wait is for the answer"
    released = threading.Event()

    def answer(request: Received) -> Answer:
        released.wait(20)
        return Answer()

    server.answer = answer
    began = time.monotonic()
    assert "no answer in time" in failure(call(server.url, read_timeout_milliseconds="100"))
    assert time.monotonic() - began < 4, "by default it is 5 s"
    released.set()


def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "refused" in failure(call(f"http://127.0.0.1:{unused.getsockname()[1]}/"))


@pytest.mark.parametrize(
    "props, part",
    [
        ({}, "needs the property http.uri"),
        ({"http.uri": "ftp://127.0.0.1/"}, "http.uri is no URL"),
        ({"http.uri": "http://"}, "http.uri is no URL"),
        ({"http.uri": "http://127.0.0.1:x/"}, "http.uri is no URL"),
        ({"http.uri": "file:///etc/passwd"}, "http.uri is no URL"),
        ({"http.uri": "http://127.0.0.1/", "http.method": "GET /"}, "http.method"),
        ({"http.uri": "http://127.0.0.1/", "http.read.timeout.milliseconds": "5s"}, "whole number"),
    ],
)
def test_wrong_props_are_explained(props: dict[str, str], part: str) -> None:
    assert part in failure(run_shard("HTTP", props=props))


def test_name_of_elasticjobs_manual_is_understood(server: HttpRecorder) -> None:
    assert run_shard("HTTP", props={"http.url": server.url}).success


def test_proxy_of_the_environment_is_used(server: HttpRecorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    assert call("http://elasticjob.invalid/path").success
    assert server.requests[0].path == "http://elasticjob.invalid/path"


@pytest.mark.parametrize("service", ["CPU", "SINGLE_THREAD", "PROCESS"])
def test_executor_serves_http_jobs_without_code(tmp_path: Path, server: HttpRecorder, service: str) -> None:
    server.answer = lambda request: Answer(body=request.headers["shardingcontext"].encode())
    with SdkAgent(tmp_path) as agent:
        agent.start("HTTP", environment=NO_PROXY)
        agent.run(range(3), jobExecutorServiceHandlerType=service, props={"http.uri": server.url})
        for item in range(3):
            assert agent.wait_end(f"t{item}")["success"] is True
            assert json.loads(agent.text(f"t{item}"))["shardingItem"] == item


def test_killed_request_ends_at_once(tmp_path: Path, server: HttpRecorder) -> None:
    released = threading.Event()

    def answer(request: Received) -> Answer:
        released.wait(20)
        return Answer()

    server.answer = answer
    with SdkAgent(tmp_path) as agent:
        agent.start("call=HTTP", environment=NO_PROXY)
        agent.run(jobName="call", props={"http.uri": server.url, "http.read.timeout.milliseconds": "0"})
        server.wait_requests(1)
        agent.kill("t0")
        began = time.monotonic()
        assert agent.wait_end("t0")["state"] == "TASK_KILLED"
        assert time.monotonic() - began < 15, "the answer comes after 20 s"
    released.set()


@pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="skipped without openssl, which makes the certificate: apt-get install openssl",
)
def test_certificates_are_verified(
    tmp_path: Path, server: HttpRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = make_certificate(tmp_path)
    server.server.socket = context.wrap_socket(
        server.server.socket, server_side=True, do_handshake_on_connect=False
    )
    url = server.url.replace("http:", "https:")
    assert "CERTIFICATE_VERIFY_FAILED" in failure(call(url))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert call(url).stdout == "你好\n"
    assert "CERTIFICATE_VERIFY_FAILED" in failure(call(url.replace("127.0.0.1", "localhost"))), "another name"
    assert len(server.requests) == 1
