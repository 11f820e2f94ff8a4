"""The web console as a server serves it: the page at every route, the files, and what is neither."""

import gzip
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry

from elasticjob_cloud.api import create_app
from elasticjob_cloud.api.access.forwarding_mark import ForwardingMark
from elasticjob_cloud.api.console.files import ConsoleFiles
from elasticjob_cloud.api.leader.relay import Relay
from tests.acceptance.api_scheduler import MemoryScheduler
from tests.acceptance.api_server import serve
from tests.console_build import BROTLI, ICON, SCRIPT, STYLE, make_console_build
from tests.http_client import http_client
from tests.integration.api.forwarding_leaders import Follower, KnownLeader

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
PAGES = (
    *("/", "/jobs", "/jobs/new", "/jobs/my_job", "/jobs/my_job/runs", "/apps", "/apps/new", "/apps/my_app"),
    *("/runs", "/runs/17", "/tasks", "/tasks/my_job@-@0@-@READY@-@agent@-@1", "/history", "/agents"),
    *("/agents/a1", "/schedulers", "/alerts", "/alerts/rules", "/me", "/login", "/jobs/"),
)


def resolved(path: str, base: str) -> str:
    """Resolve a base against an address as browsers do: Python's `urljoin` drops empty folders."""
    folders = path.partition("?")[0].split("/")[:-1]
    for step in base.split("/")[:-1]:
        assert step in {".", ".."}
        folders = folders[:-1] if step == ".." else folders
    return "/".join(folders) + "/"


def get_raw(client: httpx.Client, path: str) -> httpx.Response:
    """Ask for a path as it is, which httpx would tidy up."""
    request = httpx.Request(
        "GET", str(client.base_url), headers=client.headers, extensions={"target": path.encode()}
    )
    return client.send(request)


def served(files: ConsoleFiles | None, relay: Relay | None = None) -> Iterator[httpx.Client]:
    scheduler = MemoryScheduler() if relay is None else Follower()
    app = create_app(scheduler, None, registry=CollectorRegistry(), console=files, relay=relay)
    with serve(app) as url, http_client(base_url=url) as client:
        client.headers["Accept-Encoding"] = "identity"
        yield client


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> ConsoleFiles:
    return ConsoleFiles.load(make_console_build(tmp_path_factory.mktemp("console") / "built"))


@pytest.fixture(scope="module")
def client(files: ConsoleFiles) -> Iterator[httpx.Client]:
    yield from served(files)


@pytest.fixture(scope="module")
def unbuilt() -> Iterator[httpx.Client]:
    yield from served(None)


@pytest.fixture(scope="module")
def standby(files: ConsoleFiles) -> Iterator[httpx.Client]:
    """A scheduler that does not lead, and reaches no leader."""
    leader = KnownLeader()
    leader.is_expected = False
    yield from served(files, Relay(leader, ForwardingMark(None, lambda: 0.0), "http://127.0.0.1:1"))


@pytest.mark.parametrize("path", PAGES)
def test_every_route_of_the_console_is_its_page(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert '<div id="root">' in answer.text
    assert not re.search("__[A-Z]+__", answer.text)
    assert client.head(path).status_code == 200
    assert client.head(path).content == b""


def test_page_is_never_kept_and_has_a_new_nonce_each_time(client: httpx.Client) -> None:
    nonces = set()
    for _ in range(3):
        answer = client.get("/jobs")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        found = set(re.findall('nonce="([^"]*)"', answer.text))
        assert len(found) == 1
        nonces |= found
        (nonce,) = found
        policy = dict(
            part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy == {
            "default-src": "'self'",
            "script-src": "'self'",
            "style-src": f"'self' 'nonce-{nonce}'",
            "img-src": "'self' data:",
            "font-src": "'self'",
            "connect-src": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'self'",
            "object-src": "'none'",
        }
    assert len(nonces) == 3
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{20,}", nonce) for nonce in nonces)


@pytest.mark.parametrize("prefix", ["", "/ops", "/a/b"])
@pytest.mark.parametrize(
    "path",
    [
        *("/", "/jobs", "/jobs/", "/jobs/x", "/jobs/x/runs", "/jobs//x", "/jobs/a%2Fb", "/jobs/a%2fb/runs"),
        *(
            "/jobs/%00",
            "/jobs/%E4%BD%9C%E4%B8%9A",
            "/jobs/%0A",
            "/jobs/a%3Fb",
            "/jobs/x?page=/2/3",
            "/jobs/%FF",
        ),
    ],
)
def test_base_leads_to_the_console_behind_any_prefix(client: httpx.Client, path: str, prefix: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    found = re.search('<base href="([^"]*)">', answer.text)
    assert found is not None
    # Nobody told the server the prefix that a proxy took off.
    assert resolved(prefix + path, found[1]) == f"{prefix}/"


def test_other_paths_are_no_pages(client: httpx.Client) -> None:
    for path in ("/jobsx", "/nothing", "/index.html", "/jobs%2Fx", "//jobs", "/api/nothing"):
        answer = get_raw(client, path)
        assert answer.status_code == 404, path
        assert set(answer.json()) == {"message"}, path


def test_browser_that_goes_astray_gets_the_page_with_404(client: httpx.Client) -> None:
    for path in ("/nothing", "/no/such/page", "/jobs%2Fx"):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert '<div id="root">' in answer.text
        assert "nonce-" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    for path in ("/api/nothing", "/api", "/assets/nothing.js", "/ops/api/me"):
        answer = client.get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json"), path


def test_page_answers_no_other_method(client: httpx.Client) -> None:
    for path in ("/", "/jobs/x", "/assets/page-0a1b2c.js"):
        answer = client.post(path, headers=BROWSER)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, HEAD"
        assert set(answer.json()) == {"message"}


def test_files_are_kept_for_ever_and_compressed(client: httpx.Client) -> None:
    for accepted, encoding, body in (
        ("identity", None, SCRIPT),
        ("gzip, deflate", "gzip", SCRIPT),
        ("gzip, deflate, br, zstd", "br", BROTLI),
        ("br;q=0, gzip;q=0.5", "gzip", SCRIPT),
        ("br;q=nonsense, gzip;q=0", None, SCRIPT),
        ("*", "br", BROTLI),
        ("*, br;q=0", "gzip", SCRIPT),
    ):
        request = client.build_request("GET", "/assets/page-0a1b2c.js", headers={"Accept-Encoding": accepted})
        answer = client.send(request, stream=True)
        raw = b"".join(answer.iter_raw())
        assert answer.status_code == 200
        assert answer.headers.get("content-encoding") == encoding, accepted
        assert (gzip.decompress(raw) if encoding == "gzip" else raw) == body
        assert answer.headers["content-length"] == str(len(raw))
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["x-content-type-options"] == "nosniff"
        again = client.get(
            "/assets/page-0a1b2c.js",
            headers={"Accept-Encoding": accepted, "If-None-Match": f'"other", W/{answer.headers["etag"]}'},
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == answer.headers["etag"]
        assert again.headers["vary"] == "Accept-Encoding"


def test_each_form_of_a_file_has_a_tag_of_its_own(client: httpx.Client) -> None:
    tags = {
        client.head("/assets/page-0a1b2c.js", headers={"Accept-Encoding": accepted}).headers["etag"]
        for accepted in ("br", "gzip", "identity")
    }
    assert len(tags) == 3


def test_files_have_their_types(client: httpx.Client) -> None:
    style, icon = client.get("/assets/page-0a1b2c.css"), client.get("/icon.svg")
    assert (style.content, style.headers["content-type"]) == (STYLE, "text/css; charset=utf-8")
    assert "vary" not in style.headers
    assert (icon.content, icon.headers["content-type"]) == (ICON, "image/svg+xml")
    # Its name says nothing of what is in it.
    assert icon.headers["cache-control"] == "no-cache"
    assert client.get("/icon.svg", headers={"If-None-Match": icon.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/assets/",
            "/assets/gone-1234.js",
            "/assets/page-0a1b2c.js.br",
            "/assets/../index.html",
            "/.sources",
        ),
        *(
            "/assets/%2e%2e/index.html",
            "/assets/..%2f..%2f..%2fetc%2fpasswd",
            "/assets//etc/passwd",
            "/assets/%00",
        ),
        *("/assets/page-0a1b2c.js/", "/assets/..\\index.html"),
    ],
)
def test_file_that_is_not_there_is_never_a_page(client: httpx.Client, path: str) -> None:
    answer = get_raw(client, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_standby_serves_the_console_itself(standby: httpx.Client) -> None:
    assert standby.get("/api/app/list").status_code == 503
    assert standby.get("/jobs/x").status_code == 200
    assert standby.get("/assets/page-0a1b2c.js").content == SCRIPT
    me = standby.get("/api/me")
    assert (me.status_code, me.json()["login"]) == (200, False)


def test_without_a_build_the_page_says_how_to_make_one(unbuilt: httpx.Client) -> None:
    for path, base in (("/", "./"), ("/jobs/x", "../")):
        answer = unbuilt.get(path, headers=BROWSER)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
        assert "make console" in answer.text
        assert "控制台尚未构建" in answer.text
        assert f'<base href="{base}">' in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"
    told = unbuilt.get("/", headers={"Accept": "*/*"})
    assert told.status_code == 503
    assert "make console" in told.json()["message"]
    assert unbuilt.get("/nothing", headers=BROWSER).json()["message"].startswith("There is no GET /nothing")
    assert unbuilt.get("/assets/x.js").status_code == 404
    assert unbuilt.get("/healthz").status_code == 200


def test_build_is_read_from_a_zip_file_too(tmp_path: Path) -> None:
    folder = make_console_build(tmp_path / "built")
    with zipfile.ZipFile(tmp_path / "package.zip", "w") as archive:
        for path in folder.rglob("*"):
            archive.write(path, path.relative_to(tmp_path))
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        packed = ConsoleFiles.load(zipfile.Path(archive, "built/"))
    assert packed == ConsoleFiles.load(folder)
    assert set(packed.by_path) == {"/icon.svg", "/assets/page-0a1b2c.js", "/assets/page-0a1b2c.css"}


def test_folder_without_a_page_is_no_build(tmp_path: Path) -> None:
    assert not ConsoleFiles.load(tmp_path)
    assert not ConsoleFiles.load(tmp_path / "nothing")
