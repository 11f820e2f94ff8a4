"""Pages of other sites are kept out of a server that asks for no password of its own."""

import pytest

from elasticjob_cloud.api.access.browser_guard import BrowserGuard
from elasticjob_cloud.model.errors import ForbiddenError

STRICT = BrowserGuard(("jobs.test",), every_request=True)
LAX = BrowserGuard(("jobs.test",), every_request=False)
OWN = [b"localhost", b"localhost:8899", b"127.0.0.1:8899", b"[::1]:8899", b"jobs.test:8899", b"LOCALHOST"]
FOREIGN = [
    b"evil.org",
    b"evil.org:8899",
    b"localhost.evil.org",
    b"127.0.0.1.evil.org",
    b"",
    b"[::1",
    b"10.0.0.1:8899",
]


@pytest.mark.parametrize("host", OWN)
@pytest.mark.parametrize("guard", [STRICT, LAX])
def test_own_names_are_answered(guard: BrowserGuard, host: bytes) -> None:
    guard.check("POST", {b"host": host})
    guard.check("POST", {b"host": host, b"origin": b"http://" + host, b"sec-fetch-site": b"same-origin"})
    guard.check("GET", {b"host": host, b"sec-fetch-site": b"none"})


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_name_that_leads_here_is_refused(host: bytes) -> None:
    with pytest.raises(ForbiddenError, match=r"localhost and 127\.0\.0\.1 only"):
        STRICT.check("GET", {b"host": host})
    for guard in (STRICT, LAX):
        with pytest.raises(ForbiddenError):
            guard.check("POST", {b"host": host, b"origin": b"http://" + host})


def test_tools_may_use_any_name_where_a_login_is_needed_anyway() -> None:
    LAX.check("POST", {b"host": b"elasticjob_cloud_host:8899"})


@pytest.mark.parametrize("guard", [STRICT, LAX])
@pytest.mark.parametrize(
    "origin",
    [b"http://evil.org", b"https://evil.org", b"null", b"http://localhost:3000", b"http://localhost", b""],
)
def test_page_of_another_site_is_refused(guard: BrowserGuard, origin: bytes) -> None:
    with pytest.raises(ForbiddenError, match="page of another site"):
        guard.check("POST", {b"host": b"localhost:8899", b"origin": origin})


@pytest.mark.parametrize("guard", [STRICT, LAX])
@pytest.mark.parametrize("site", [b"cross-site", b"same-site", b"anything"])
def test_cross_site_request_is_refused_even_without_an_origin(guard: BrowserGuard, site: bytes) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        with pytest.raises(ForbiddenError, match="page of another site"):
            guard.check(method, {b"host": b"localhost", b"sec-fetch-site": site})


def test_link_to_the_console_may_be_followed_but_not_posted_to() -> None:
    link = {
        b"host": b"localhost",
        b"sec-fetch-site": b"cross-site",
        b"sec-fetch-mode": b"navigate",
        b"sec-fetch-dest": b"document",
    }
    STRICT.check("GET", link)
    with pytest.raises(ForbiddenError):
        STRICT.check("POST", link)
    with pytest.raises(ForbiddenError):
        STRICT.check("GET", {**link, b"sec-fetch-dest": b"iframe"})
