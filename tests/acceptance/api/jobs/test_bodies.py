"""Bodies as tools send them: content types, sizes, encodings, bare words."""

import contextlib
import gzip
import json
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.conftest import MemoryServer

APP = {"appName": "my_app", "appURL": "http://app_host:8080/my-job.tar.gz", "bootstrapScript": "bin/start.sh"}
JOB = {
    "appName": "my_app",
    "jobName": "my_job",
    "cpuCount": 0.1,
    "memoryMB": 64.0,
    "jobExecutionType": "TRANSIENT",
    "shardingTotalCount": 1,
}
MEBIBYTE = 1024 * 1024
COMMANDS = [
    ("POST", "/api/app"),
    ("PUT", "/api/app"),
    ("POST", "/api/job/register"),
    ("PUT", "/api/job/update"),
    ("DELETE", "/api/job/deregister"),
    ("POST", "/api/job/trigger"),
    ("POST", "/api/login"),
]


@pytest.fixture
def client(admin: httpx.Client) -> httpx.Client:
    assert admin.post("/api/app", json=APP).text == "true"
    assert admin.post("/api/job/register", json=JOB).text == "true"
    return admin


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=UTF-8",
        'application/json;charset="utf-8"',
        "application/merge-patch+json",
        "text/plain",
        "text/json",
        "",
    ],
)
def test_json_and_text_are_read_and_so_is_no_type_at_all(client: httpx.Client, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = client.put("/api/app", content=json.dumps(APP).encode(), headers=headers)
    assert (answer.status_code, answer.text) == (200, "true")
    assert client.post("/api/job/trigger", content=b"my_job", headers=headers).text == "true"


@pytest.mark.parametrize("method, path", COMMANDS)
def test_other_content_types_are_told_which_header_to_add(
    client: httpx.Client, method: str, path: str
) -> None:
    for content_type in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "image/png",
        "x",
    ):
        answer = client.request(method, path, content=b"my_job", headers={"Content-Type": content_type})
        assert answer.status_code == 415
        assert "Content-type: application/json" in answer.json()["message"]


def test_what_curl_sends_without_a_header_is_explained(client: httpx.Client, server: str) -> None:
    token = client.headers["accessToken"]
    command = [
        "curl",
        "-s",
        "--noproxy",
        "*",
        "-d",
        "my_job",
        "-H",
        f"accessToken: {token}",
        f"{server}/api/job/trigger",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert "curl -d" in json.loads(done.stdout)["message"]


@pytest.mark.parametrize(
    "charset",
    [
        *("UTF-8", '"utf-8"', "us-ascii", "ISO-8859-1", "windows-1252", "GBK", "gb2312", "GB18030", "Big5"),
        *("Shift_JIS", "EUC-JP", "euc-kr", "windows-1251", "UTF-16", "utf-16le", "utf-16be"),
    ],
)
def test_body_is_read_in_the_charset_that_it_names(client: httpx.Client, charset: str) -> None:
    codec = charset.strip('"')
    text = {"GBK": "北京", "ISO-8859-1": "café", "windows-1252": "10 €", "Shift_JIS": "東京"}.get(
        charset, "plain"
    )
    headers = {"Content-Type": f"application/json; charset={charset}"}
    body = json.dumps({**JOB, "description": text}, ensure_ascii=False).encode(codec)
    assert client.put("/api/job/update", content=body, headers=headers).text == "true"
    assert client.get("/api/job/jobs/my_job").json()["description"] == text
    assert client.post("/api/job/trigger", content="my_job".encode(codec), headers=headers).text == "true"


@pytest.mark.parametrize("charset", ["klingon", "utf-7", "zip", "idna", "base64", "x" * 1000])
def test_charset_that_is_not_read_is_told_which_are(client: httpx.Client, charset: str) -> None:
    headers = {"Content-Type": f"application/json; charset={charset}"}
    answer = client.put("/api/app", content=b"{}", headers=headers)
    assert answer.status_code == 415
    assert "UTF-8" in answer.json()["message"]
    assert "GBK" in answer.json()["message"]


def test_body_that_is_not_in_its_charset_is_told_where(client: httpx.Client) -> None:
    headers = {"Content-Type": "application/json; charset=GBK"}
    answer = client.put("/api/app", content=b'{"appName":"\xff"}', headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (400, "The body is not GBK: see byte 13.")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=ISO-8859-1"])
def test_mark_before_a_body_says_that_it_is_utf_8(client: httpx.Client, content_type: str) -> None:
    body = b"\xef\xbb\xbf" + json.dumps({**JOB, "description": "中"}, ensure_ascii=False).encode()
    answer = client.put("/api/job/update", content=body, headers={"Content-Type": content_type})
    assert answer.text == "true"
    assert client.get("/api/job/jobs/my_job").json()["description"] == "中"


def test_utf_16_without_its_name_is_told_what_it_is(client: httpx.Client) -> None:
    answer = client.put("/api/app", content=json.dumps(APP).encode("utf-16"))
    assert answer.status_code == 400
    assert "is not UTF-8 but UTF-16" in answer.json()["message"]


@pytest.mark.parametrize("encoding", ["UTF-8", "utf8", "identity", "ISO-8859-1"])
def test_charset_in_the_wrong_header_does_no_harm(client: httpx.Client, encoding: str) -> None:
    """Upstream's Java tests send `Content-Encoding: UTF-8`."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    assert client.put("/api/app", content=json.dumps(APP), headers=headers).text == "true"


@pytest.mark.parametrize(
    "encoding", ["gzip", "deflate", "br", "zstd", "x-gzip", "gzip, identity", "nonsense"]
)
def test_compressed_body_is_told_to_come_as_it_is(client: httpx.Client, encoding: str) -> None:
    body = gzip.compress(b" " * 5_000_000) if encoding == "gzip" else gzip.compress(json.dumps(APP).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    for method, path in COMMANDS:
        answer = client.request(method, path, content=body, headers=headers)
        assert answer.status_code == 415, answer.text
        assert "without compression" in answer.json()["message"]


@pytest.mark.parametrize("protected", [True, False])
def test_http_1_0_without_a_host_is_answered(
    memory_server: MemoryServer, open_server: MemoryServer, admin: httpx.Client, protected: bool
) -> None:
    server = memory_server if protected else open_server
    request = f"GET /api/app/list HTTP/1.0\r\naccessToken: {admin.headers['accessToken']}\r\n\r\n"
    with connect(server.url) as connection:
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b" 200 " in answer.splitlines()[0], answer
    assert answer.endswith(b"\r\n\r\n[]")


@pytest.mark.parametrize(
    "body",
    [b"my_job", b'"my_job"', b"my_job\n", b' "my_job" \r\n', b"\xef\xbb\xbfmy_job", b'"my\\u005fjob"'],
)
def test_job_name_may_be_a_bare_word_or_a_json_string(client: httpx.Client, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    assert client.post("/api/job/trigger", content=body, headers=headers).text == "true"
    assert client.request("DELETE", "/api/job/deregister", content=body, headers=headers).text == "true"
    assert client.post("/api/job/trigger", content=body, headers=headers).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b'""',
        b'"my_job',
        b"{}",
        b'{"jobName":5}',
        b'["my_job"]',
        b"my job",
        b"my_job,other",
        b'"my_job" "x"',
        b"a@-@b",
        b"../../etc/passwd",
        b"\xff\xfe",
        b'"\\ud800"',
        b"x" * 101,
        b"x" * 1_000_000,
    ],
)
def test_what_is_no_job_name_is_refused(client: httpx.Client, body: bytes) -> None:
    for method, path in (("POST", "/api/job/trigger"), ("DELETE", "/api/job/deregister")):
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400, answer.text
        assert len(answer.content) < 1024
    assert client.get("/api/job/jobs/my_job").status_code == 200


@pytest.mark.parametrize(
    "body, message",
    [
        (b"", "is empty"),
        (b"   ", "is empty"),
        (b"{", "line 1, column 2"),
        (b'{"appName":\n "my_app",}', "line 2"),
        (b"{'appName': 'my_app'}", "line 1, column 2"),
        (b"[]", "must be a JSON object"),
        (b'"my_app"', "must be a JSON object"),
        (b"5", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"true", "must be a JSON object"),
        (b'{"appName":"a","appName":"my_app"}', "is given twice"),
        (b'{"appName":"my_app","props":{"x":"1","x":"2"}}', "is given twice"),
        (b"[" * 500_000, "nested too deeply"),
        (b'{"a":' * 150_000, "nested too deeply"),
        (b'{"appName":"\xff"}', "is not UTF-8"),
        (b'{"appName":"my_app"} x', "line 1, column 22"),
        (b"\xff\xfe{\x00}\x00", "is not UTF-8"),
    ],
)
def test_malformed_body_is_told_what_is_wrong_and_where(
    client: httpx.Client, body: bytes, message: str
) -> None:
    for method, path in COMMANDS[:4]:
        answer = client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 400
        assert message in answer.json()["message"]
        assert len(answer.content) < 1024


@pytest.mark.parametrize("method, path", COMMANDS)
def test_body_over_a_mebibyte_is_refused_with_and_without_a_length(
    client: httpx.Client, server: str, method: str, path: str
) -> None:
    token = client.headers["accessToken"]
    large = b"x" * (MEBIBYTE + 1)
    for framing, body in (
        (f"Content-Length: {len(large)}", large),
        ("Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(large), large)),
        ("Transfer-Encoding: chunked", b"".join(chunks_of(large))),
        ("Content-Length: 99999999999999999999999", b""),
    ):
        status, answer = exchange(server, method, path, [framing, f"accessToken: {token}"], body)
        # A length beyond all numbers is refused by the HTTP server itself.
        assert status in ({413, 400} if not body else {413}), (framing, answer)
        if status == 413:
            limit = b"8,192" if path == "/api/login" else b"1,048,576"
            assert limit + b" bytes" in answer


def test_body_of_exactly_a_mebibyte_is_read(client: httpx.Client) -> None:
    text = json.dumps({"appName": "my_app"})
    answer = client.put("/api/app", content=text + " " * (MEBIBYTE - len(text)))
    assert (answer.status_code, answer.text) == (200, "true")


def test_length_that_is_too_short_cuts_the_body_and_breaks_nothing(client: httpx.Client, server: str) -> None:
    token = client.headers["accessToken"]
    headers = [f"accessToken: {token}", "Content-Length: 5"]
    status, answer = exchange(server, "PUT", "/api/app", headers, json.dumps(APP).encode())
    assert status == 400
    assert b"not valid JSON" in answer
    assert client.get("/api/app/my_app").status_code == 200


def test_body_that_never_comes_leaves_the_server_well(client: httpx.Client, server: str) -> None:
    with connect(server) as connection:
        token = client.headers["accessToken"]
        connection.sendall(
            f"PUT /api/app HTTP/1.1\r\nHost: localhost\r\naccessToken: {token}\r\nContent-Length: 100\r\n\r\n{{".encode()
        )
    assert client.get("/api/app/my_app").status_code == 200


def chunks_of(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), 60_000):
        part = body[start : start + 60_000]
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def connect(server: str) -> socket.socket:
    address = urlsplit(server)
    assert address.hostname is not None
    assert address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=20)


def exchange(server: str, method: str, path: str, headers: list[str], body: bytes) -> tuple[int, bytes]:
    """Send a request as it is, right or wrong; give the status and the rest of the first answer."""
    head = "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    )
    with connect(server) as connection:
        # A server that has heard enough closes; its answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head.encode() + body)
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except ConnectionResetError:
            pass
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split(b" ", 2)[1]), answer
